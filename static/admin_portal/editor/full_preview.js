// The page as it would be read, in a frame. Nothing in it runs, and no link in it leads away.

import { all } from "./api.js";

function sandboxed(html) {
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

// Only what changed is exchanged: a picture that stays is not drawn anew, and opened details stay open.
function exchange(body, next) {
  const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName;
  const [old, fresh] = [[...body.childNodes], [...next.childNodes]];
  fresh.forEach((node, at) => {
    const before = old[at];
    if (!before) body.append(node);
    else if (before.isEqualNode(node)) return;
    else if (node.nodeType === Node.ELEMENT_NODE && alike(before, node) && node.childElementCount && before.childElementCount) {
      [...before.attributes].filter(({ name }) => !node.hasAttribute(name)).forEach(({ name }) => before.removeAttribute(name));
      [...node.attributes].forEach(({ name, value }) => before.setAttribute(name, value));
      exchange(before, node);
    } else before.replaceWith(node);
  });
  old.slice(fresh.length).forEach((node) => node.remove());
}

// ``ready`` is called when a new document stands in the frame, ``shown`` after every change of it.
export function renderInFrame(frame, html, { ready = () => {}, shown = () => {} } = {}) {
  const next = sandboxed(html);
  const doc = frame.contentDocument;
  if (frame.dataset.shown !== "ready" || !doc?.body) {
    frame.addEventListener("load", () => {
      frame.dataset.shown = "ready";
      frame.contentDocument.addEventListener("click", goToPlace);
      ready();
      shown();
    }, { once: true });
    frame.srcdoc = `<!doctype html>${next.documentElement.outerHTML}`;
    return;
  }
  doc.documentElement.lang = next.documentElement.lang;
  exchange(doc.body, next.body);
  shown();
}
