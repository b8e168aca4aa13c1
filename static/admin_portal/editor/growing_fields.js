// Fallback for ``field-sizing``: text fields that grow with their text.

import { all } from "./api.js";

export function startGrowingFields(form, except) {
  if (CSS.supports("field-sizing", "content")) return;
  const fields = all(".writing-field textarea", form).filter((field) => field !== except);
  const fit = (field) => {
    field.style.blockSize = "auto";
    field.style.blockSize = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
  };
  const fitAll = () => fields.filter((field) => field.offsetParent).forEach(fit);
  ["input", "change"].forEach((name) => form.addEventListener(name, fitAll));
  // A field that was hidden or resized needs a new height.
  const widths = new WeakMap();
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    if (widths.get(target) === target.offsetWidth) return;
    widths.set(target, target.offsetWidth);
    if (target.offsetParent) fit(target);
  }));
  fields.forEach((field) => watch.observe(field));
}
