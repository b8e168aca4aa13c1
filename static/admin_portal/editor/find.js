// Find and replace in the text.

import { format, gettext, ngettext } from "../i18n.js";

export function startFind(form, text) {
  const bar = form.querySelector("[data-find]");
  const opener = form.querySelector("[data-find-button]");
  const query = bar.querySelector("[data-find-query]");
  const replacement = bar.querySelector("[data-find-replacement]");
  const count = bar.querySelector("[data-find-count]");
  let at = -1; // the match that is selected
  let startLine = 1; // where the cursor was when the bar was opened

  const matches = () => (query.value ? text().find(query.value) : []);
  const report = (found) => {
    if (!query.value) count.textContent = "";
    else if (!found.length) count.textContent = gettext("Not found");
    else if (at < 0) count.textContent = format(ngettext("%(count)s match", "%(count)s matches", found.length), { count: found.length });
    else count.textContent = format(gettext("%(number)s of %(count)s"), { number: at + 1, count: found.length });
  };
  // The matches are marked while the bar is open, and the focus stays in it.
  const mark = (found) => text().markMatches(bar.hidden ? "" : query.value, found[at]);
  function keepFocus(act) {
    const box = bar.contains(document.activeElement) ? document.activeElement : query;
    act();
    box.focus();
  }
  function step(by) {
    const found = matches();
    at = found.length ? (Math.max(at, by > 0 ? -1 : 0) + by + found.length) % found.length : -1;
    if (found.length) text().select(found[at]);
    mark(found);
    report(found);
  }
  function replaceOne() {
    const found = matches();
    if (!found.length || at < 0 || at >= found.length) return step(1);
    text().replace(found[at], replacement.value, query.value);
    at -= 1;
    return step(1);
  }
  function replaceEvery() {
    const replaced = query.value ? text().replaceAll(query.value, replacement.value) : 0;
    at = -1;
    mark([]);
    count.textContent = format(ngettext("%(count)s replaced", "%(count)s replaced", replaced), { count: replaced });
  }
  function open(event) {
    bar.hidden = false;
    startLine = text().currentLine();
    opener.setAttribute("aria-expanded", "true");
    const target = event.detail?.replace && query.value ? replacement : query;
    target.focus();
    target.select();
    mark([]);
  }
  function close() {
    bar.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    at = -1;
    mark([]);
    text().focus();
  }

  opener.addEventListener("click", (event) => (bar.hidden ? open(event) : close()));
  form.addEventListener("editor:find", open);
  // Go to the first match at or after the place where the search began.
  query.addEventListener("input", ({ isComposing }) => {
    const found = matches();
    at = isComposing || !found.length ? -1 : Math.max(0, found.findIndex(({ line }) => line >= startLine));
    if (at >= 0) keepFocus(() => text().select(found[at]));
    mark(found);
    report(found);
  });
  // Esc closes the bar from the text, too, where a match has the focus.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || bar.hidden || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  }, true);
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName === "BUTTON") return;
    event.preventDefault(); // Enter would submit the form
    // The next Enter must not replace the match in the text.
    keepFocus(event.target === replacement ? replaceOne : () => step(event.shiftKey ? -1 : 1));
  });
  // A click on a button leaves the focus where it is.
  bar.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
  bar.querySelector("[data-find-next]").addEventListener("click", () => keepFocus(() => step(1)));
  bar.querySelector("[data-find-previous]").addEventListener("click", () => keepFocus(() => step(-1)));
  bar.querySelector("[data-find-replace]").addEventListener("click", () => keepFocus(replaceOne));
  bar.querySelector("[data-find-all]").addEventListener("click", replaceEvery);
  bar.querySelector("[data-find-close]").addEventListener("click", close);
}
