// The page in a sandboxed frame. No script in it runs, and links open in a new tab.

import { all } from "./api.js";

function prepareDocument(html) {
  const doc = new DOMParser().parseFromString(html, "text/html");
  all("a[href]", doc).forEach((link) => {
    const target = link.getAttribute("href");
    // In a srcdoc frame, "#place" would resolve to the address of this form; the frame's own address is about:srcdoc.
    if (target.startsWith("#")) link.setAttribute("href", `about:srcdoc${target}`);
    else Object.assign(link, { target: "_blank", rel: "noopener" });
  });
  // Style sheets linked in the body would reload with each new body, and the page would flicker.
  doc.head.append(...all("link[rel=stylesheet]", doc.body));
  return doc;
}

// Browsers disagree on fragment links in srcdoc frames, so scroll there ourselves.
function scrollToFragment(event) {
  const fragment = event.target.closest("a[href^='about:srcdoc#']")?.hash.slice(1);
  if (!fragment) return;
  event.preventDefault();
  event.currentTarget.getElementById(decodeURIComponent(fragment))?.scrollIntoView();
}

// Replace only what changed, so that pictures are not redrawn and expanded details stay open.
function updateChildren(body, next) {
  const isSameKind = (node, other) => node.nodeType === other.nodeType && node.nodeName === other.nodeName;
  const [old, fresh] = [[...body.childNodes], [...next.childNodes]];
  fresh.forEach((node, at) => {
    const before = old[at];
    if (!before) body.append(node);
    else if (before.isEqualNode(node)) return;
    else if (node.nodeType === Node.ELEMENT_NODE && isSameKind(before, node) && node.childElementCount && before.childElementCount) {
      [...before.attributes].filter(({ name }) => !node.hasAttribute(name)).forEach(({ name }) => before.removeAttribute(name));
      [...node.attributes].forEach(({ name, value }) => before.setAttribute(name, value));
      updateChildren(before, node);
    } else before.replaceWith(node);
  });
  old.slice(fresh.length).forEach((node) => node.remove());
}

// ``ready`` is called when the frame has a new document, ``shown`` after each change to it.
export function renderInFrame(frame, html, { ready = () => {}, shown = () => {} } = {}) {
  const next = prepareDocument(html);
  const doc = frame.contentDocument;
  if (frame.dataset.shown !== "ready" || !doc?.body) {
    frame.addEventListener("load", () => {
      frame.dataset.shown = "ready";
      frame.contentDocument.addEventListener("click", scrollToFragment);
      ready();
      shown();
    }, { once: true });
    frame.srcdoc = `<!doctype html>${next.documentElement.outerHTML}`;
    return;
  }
  doc.documentElement.lang = next.documentElement.lang;
  updateChildren(doc.body, next.body);
  shown();
}
