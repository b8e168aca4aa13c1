// The block palette: a searchable list of everything that can be inserted, opened by "/" in the text or from the
// toolbar.

import { gettext } from "../i18n.js";
import { fold } from "../editor/fold.js";
import { icon } from "./icons.js";

const NONE = -1;

// ``items``: [{label, group, drawing, keywords, isInline, run, labelFor}], in the order of the groups. ``keywords``: other words by
// which authors search for it. ``isInline``: it becomes part of a sentence. ``labelFor(query)`` returns the label of an item whose size or so is in the search text, such as
// "2x3", and is the only match then; otherwise undefined.
export function createPalette(items) {
  const box = Object.assign(document.createElement("div"), { className: "palette", hidden: true });
  const search = Object.assign(document.createElement("input"), { type: "text", className: "palette__search", autocomplete: "off", spellcheck: false });
  const list = Object.assign(document.createElement("div"), { className: "palette__list", id: "palette-list" });
  const attributes = {
    role: "combobox", "aria-expanded": "true", "aria-controls": list.id, "aria-autocomplete": "list", "aria-label": gettext("Search blocks"),
    placeholder: gettext("Search blocks"),
  };
  Object.entries(attributes).forEach(([name, value]) => search.setAttribute(name, value));
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", gettext("Insert"));
  const empty = Object.assign(document.createElement("p"), { className: "palette__empty", textContent: gettext("No results."), hidden: true });
  empty.setAttribute("role", "status");
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", gettext("Insert"));
  box.append(search, list, empty);
  document.body.append(box);
  let rows = [];
  let at = 0;
  let closed = () => {};
  let typed = () => {};
  let isTyped = false;
  let isSentence = false;

  const visible = () => rows.filter(({ option }) => !option.hidden);
  function choose(index) {
    const shown = visible();
    at = shown.length && index !== NONE ? (index + shown.length) % shown.length : NONE;
    rows.forEach(({ option }) => option.setAttribute("aria-selected", String(option === shown[at]?.option)));
    if (shown[at]) {
      search.setAttribute("aria-activedescendant", shown[at].option.id);
      shown[at].option.scrollIntoView({ block: "nearest" });
    } else search.removeAttribute("aria-activedescendant");
  }
  function filter() {
    const asked = fold(search.value).split(/\s+/).filter(Boolean);
    const special = rows.map(({ item }) => item.labelFor?.(search.value));
    rows.forEach(({ option, words, item }, index) => {
      option.hidden = special.some(Boolean) ? !special[index] : !asked.every((word) => words.includes(word));
      option.querySelector("strong").textContent = special[index] ?? item.label;
    });
    list.querySelectorAll("[role=group]").forEach((group) => { group.hidden = !group.querySelector("[role=option]:not([hidden])"); });
    empty.hidden = visible().length > 0;
    choose(suggested());
  }
  // Return the row that Enter takes. Prefix matches come first.
  function suggested() {
    const shown = visible();
    // "tea / table": only what belongs in a sentence, and only if it is named right after the slash.
    if (isSentence) return /^\S/.test(search.value) ? shown.findIndex(({ item }) => item.isInline) : NONE;
    return Math.max(0, shown.findIndex(({ item }) => fold(item.label).startsWith(fold(search.value))));
  }
  // Whether what follows the slash can no longer be a search: the writer is writing a sentence.
  function isText() {
    const words = fold(search.value);
    // A size that is being typed, such as "table 2x", matches nothing yet.
    const name = words.replace(/\s+\d+\s*[x×]?\s*\d*$/, "");
    if (name !== words && rows.some((row) => row.words.includes(name))) return false;
    const spaces = words.match(/\s/g) ?? [];
    return !visible().length || (spaces.length > 1 && !visible().some(({ item }) => fold(item.label).includes(words)));
  }
  function close(item, key) {
    if (box.hidden) return;
    box.hidden = true;
    closed(item, search.value, key);
  }
  function fill() {
    const groups = new Map();
    rows = items().map((item, index) => {
      const option = Object.assign(document.createElement("div"), { className: "palette__option", id: `palette-${index}` });
      option.setAttribute("role", "option");
      const words = document.createElement("span");
      words.append(Object.assign(document.createElement("strong"), { textContent: item.label }));
      option.append(icon(item.drawing), words);
      option.addEventListener("mousedown", (event) => event.preventDefault());
      option.addEventListener("click", () => close(item));
      if (!groups.has(item.group)) {
        const group = document.createElement("div");
        const name = Object.assign(document.createElement("div"), { className: "palette__group", id: `palette-group-${groups.size}`, textContent: item.group });
        group.setAttribute("role", "group");
        group.setAttribute("aria-labelledby", name.id);
        group.append(name);
        groups.set(item.group, group);
      }
      groups.get(item.group).append(option);
      return { option, item, words: fold([item.label, item.group, item.keywords].join(" ")) };
    });
    list.replaceChildren(...groups.values());
  }
  function read({ isComposing } = {}) {
    filter();
    typed(search.value);
    if (isTyped && !isComposing && isText()) close();
  }
  search.addEventListener("input", read);
  search.addEventListener("compositionend", () => read());
  search.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.isComposing) return;
    if (event.key in steps) choose(at === NONE && steps[event.key] < 0 ? visible().length - 1 : at + steps[event.key]);
    else if (event.key === "Enter") {
      const row = visible()[at];
      if (row || isTyped) close(row?.item, event);
    } else if (event.key === "Backspace" && !search.value) close(undefined, event);
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  search.addEventListener("blur", () => close());

  return {
    isOpen: () => !box.hidden,
    // Open at a position on the screen. ``done(item, query, key)``: item is undefined if nothing was chosen; ``key``: the event
    // of Enter or Backspace. ``follow(query)``: opened by a "/" in the text, which gets what is typed next. ``inSentence``: it
    // follows other words.
    open({ left, top, bottom }, done, { follow, inSentence = false } = {}) {
      [closed, typed, isTyped, isSentence] = [done, follow ?? (() => {}), Boolean(follow), inSentence];
      fill();
      search.value = "";
      box.hidden = false;
      filter();
      const { offsetWidth: width, offsetHeight: height } = box;
      const below = bottom + height < window.innerHeight || top < height;
      box.style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`;
      box.style.top = `${Math.max(8, below ? Math.min(bottom + 4, window.innerHeight - height - 8) : top - height - 4)}px`;
      search.focus();
    },
  };
}
