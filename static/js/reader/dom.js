// Do something with every element that a selector finds.
export const forEachMatch = (selector, act, root = document) => root.querySelectorAll(selector).forEach((part) => act(part));

// Whether the reader wants pages to keep still.
export const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
