// The page as it would be read, in a frame. Nothing in it runs, and no link in it leads away.

import { all } from "./ask.js";

const WIDTHS = { phone: 360, desktop: 1280 };

function tamed(html) {
  const doc = new DOMParser().parseFromString(html, "text/html");
  all("a[href]", doc).forEach((link) => {
    const target = link.getAttribute("href");
    // In a frame of this kind "#place" would load this form; the frame's own name is about:srcdoc.
    if (target.startsWith("#")) link.setAttribute("href", `about:srcdoc${target}`);
    else Object.assign(link, { target: "_blank", rel: "noopener" });
  });
  // Sheets linked late would come anew with each body, and everything would flicker.
  doc.head.append(...all("link[rel=stylesheet]", doc.body));
  return doc;
}

// Browsers disagree whether a place in such a frame is another page, so we scroll there ourselves.
function goToPlace(event) {
  const place = event.target.closest("a[href^='about:srcdoc#']")?.hash.slice(1);
  if (!place) return;
  event.preventDefault();
  event.currentTarget.getElementById(decodeURIComponent(place))?.scrollIntoView();
}

export function showIn(frame, html) {
  const next = tamed(html);
  const doc = frame.contentDocument;
  if (frame.dataset.shown !== "ready" || !doc?.body) {
    frame.addEventListener("load", () => {
      frame.dataset.shown = "ready";
      frame.contentDocument.addEventListener("click", goToPlace);
    }, { once: true });
    frame.srcdoc = `<!doctype html>${next.documentElement.outerHTML}`;
    return;
  }
  // Changing the body in place keeps the place that was scrolled to, and nothing flickers.
  doc.documentElement.lang = next.documentElement.lang;
  doc.body.replaceChildren(...next.body.childNodes);
}

function fit(stage, frame) {
  const width = Math.max(WIDTHS[stage.dataset.stage], stage.dataset.stage === "desktop" ? stage.clientWidth : 0);
  const scale = Math.min(1, stage.clientWidth / width);
  Object.assign(frame.style, {
    width: `${width}px`,
    height: `${stage.clientHeight / scale}px`,
    transform: scale < 1 ? `scale(${scale})` : "",
  });
}

export function startWidths(editor, frame) {
  const stage = editor.querySelector("[data-stage]");
  const buttons = all("[data-width]", editor);
  buttons.forEach((button) => button.addEventListener("click", () => {
    stage.dataset.stage = button.dataset.width;
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    fit(stage, frame);
  }));
  new ResizeObserver(() => fit(stage, frame)).observe(stage);
  editor.querySelector("[data-see]").hidden = false;
}
