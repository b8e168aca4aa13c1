// Do something with every element that a selector finds.
export const eachOf = (selector, act, root = document) => root.querySelectorAll(selector).forEach((part) => act(part));

// Whether the reader wants pages to keep still.
export const still = window.matchMedia("(prefers-reduced-motion: reduce)");
