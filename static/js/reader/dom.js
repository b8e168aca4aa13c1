// Call a function for every element that matches a selector.
export const forEachMatch = (selector, act, root = document) => root.querySelectorAll(selector).forEach((part) => act(part));

// Whether the reader prefers reduced motion.
export const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
