// Searchable lists of options in the dialogs, in the language of the page.

import { format, gettext, ngettext } from "../i18n.js";
import { all, getJson } from "./api.js";
import { hasSpace, isAddress, isInsecure } from "./addresses.js";
import { fold } from "./fold.js";
import { languageOf } from "./form.js";

const KINDS = { link: "pages", source: "sources", word: "terms", picture: "pictures", series: "series", care: "care" };

const DOUBLE_CLICK_MS = 500;

let number = 0;
// An ID for a name or description.
const nextId = () => `choice-${number += 1}`;
const small = (text) => Object.assign(document.createElement("small"), { textContent: text, id: nextId() });

function thumbnail(row) {
  return Object.assign(document.createElement("img"), { src: row.thumbnail, alt: "", loading: "lazy", decoding: "async", width: 120, height: 120 });
}

// The details shown under a row's name. Pictures have a kind, and pages that use them.
function details(row) {
  if (!row.kind) return [row.more];
  return [row.kind_name, row.used ? format(gettext("Used on %(titles)s"), { titles: row.used }) : gettext("Not used yet"), row.note];
}

function option(row, { name, many }) {
  const label = Object.assign(document.createElement("label"), { className: "choice-list__row" });
  const input = Object.assign(document.createElement("input"), {
    type: many ? "checkbox" : "radio", name, value: row.key,
  });
  const words = document.createElement("span");
  const title = Object.assign(document.createElement("strong"), { textContent: row.name, id: nextId() });
  const more = details(row).filter(Boolean).map(small);
  // Cut off after one line where there are many rows; this shows all of it.
  more.forEach((part) => { part.title = row.kind ? part.textContent : ""; });
  words.append(title, ...more);
  label.append(input);
  if (row.kind) {
    // The name is short, so that a screen reader says it first; the picture description comes last.
    const alt = Object.assign(small(row.more), { className: "visually-hidden" });
    words.append(alt);
    input.setAttribute("aria-labelledby", title.id);
    input.setAttribute("aria-describedby", [...more, alt].map(({ id }) => id).join(" "));
  }
  if (row.thumbnail) label.append(thumbnail(row));
  label.append(words);
  mark(label, row);
  return label;
}

// For the search and the filter.
function mark(element, row) {
  element.dataset.names = [row.name, row.key, ...row.aliases ?? []].map(fold).join("\n");
  element.dataset.words = fold([row.key, row.name, row.more ?? "", row.used ?? "", row.kind_name ?? "", ...row.aliases ?? []].join(" "));
  if (row.kind) element.dataset.kind = row.kind;
}

// How well the names of a row match the search; a smaller number is better. What counts most is how early in the title,
// which the list shows, a word begins with it; then, whether the title begins with any word of it.
function rankOf({ dataset: { names } }, asked) {
  const [title, ...others] = names.split("\n");
  if (title === asked) return 0;
  if (title.startsWith(asked)) return 1;
  if (others.includes(asked)) return 2;
  const place = ` ${title}`.indexOf(` ${asked}`);
  if (place >= 0) return 3 + Math.min(place, 500);
  if (asked.split(" ").some((word) => title.startsWith(word))) return 900;
  const tests = [(name) => ` ${name}`.includes(` ${asked}`), (name) => name.includes(asked)];
  const rank = tests.findIndex((test) => [title, ...others].some(test));
  return 1000 + (rank < 0 ? tests.length : rank);
}

const byNumber = ([first], [second]) => first - second;
// The order in which each list was filled.
const numbers = new WeakMap();

// Put the best matches first, or all rows as they were without a search.
function sortRows(rows, asked) {
  const ranked = rows.map((row) => [(asked ? rankOf(row, asked) * rows.length : 0) + numbers.get(row), row]).sort(byNumber);
  if (ranked.some(([, row], at) => row !== rows[at])) ranked.forEach(([, row]) => row.parentElement.append(row));
}

// Whether choosing one row is all that the dialog asks for. Its search box and filter have no names.
function isSingleChoice(list) {
  const [first] = all("[type=radio]", list);
  return Boolean(first) && [...first.form.elements].every(({ name }) => !name || name === first.name);
}

// The second click of a double click would go to whatever is under the closed dialog.
function ignoreSecondClick() {
  const ignore = (event) => {
    if (event.detail < 2) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  ["mousedown", "mouseup", "click", "dblclick"].forEach((kind) => {
    addEventListener(kind, ignore, true);
    setTimeout(() => removeEventListener(kind, ignore, true), DOUBLE_CLICK_MS);
  });
}

// A link can lead to a web address instead of a page.
const isWebAddress = (box, list) => list.dataset.list === "link" && isAddress(box.value);

// Show only the rows that match all search words and, for pictures, the chosen kind. A choice that is no longer visible
// would be a surprise, so it is taken back, except where several can be checked.
// ``list``: the element with all rows, which can hold more than one list.
function searchRows(box, list, status, kind) {
  if (isWebAddress(box, list)) {
    status.textContent = box.validationMessage || gettext("The link will lead to this address.");
    return;
  }
  if (list.dataset.loading) return;
  const asked = fold(box.value).split(/\s+/).filter(Boolean);
  sortRows(all("label.choice-list__row", list), asked.join(" "));
  const rows = all(".choice-list__row", list);
  rows.forEach((row) => {
    row.hidden = !asked.every((word) => row.dataset.words.includes(word)) || Boolean(kind?.value && row.dataset.kind !== kind.value);
    if (row.hidden) all("[type=radio]", row).forEach((input) => { input.checked = false; });
  });
  all("[data-unavailable]", list).forEach((part) => { part.hidden = !part.querySelector(".choice-list__row:not([hidden])"); });
  const count = rows.filter((row) => !row.hidden && row.matches("label")).length;
  const found = count ? format(ngettext("%(count)s result", "%(count)s results", count), { count }) : gettext("No results. Try fewer or other words.");
  const best = selectBestMatch(list, asked.length > 0);
  const withBest = best ? format(gettext("%(found)s. Press Enter to choose “%(name)s”."), { found, name: best }) : found;
  offerToAdd(list, status, count === 0);
  const hint = isSingleChoice(list) && count ? gettext("Click one to choose it.") : "";
  status.textContent = asked.length || kind?.value ? withBest : hint;
}

// With no results, a link opens the form for a new source or the like in another tab, for users who may add one.
function offerToAdd(list, status, isEmpty) {
  status.parentElement.querySelector("[data-add-line]")?.remove();
  if (!isEmpty || !list.dataset.add) return;
  const link = Object.assign(document.createElement("a"), { href: list.dataset.add, target: "_blank", textContent: gettext("Add one (opens in a new tab)") });
  const line = Object.assign(document.createElement("p"), { className: "help" });
  line.dataset.addLine = "";
  line.append(link);
  status.after(line);
}

// Select the best match, so that Enter or one click takes it, and return its name. A visible choice of the user stays.
function selectBestMatch(list, isSearching) {
  const shown = list.querySelector("[type=radio]:checked");
  const isOwn = shown?.dataset.best !== undefined;
  if (shown && !isOwn) return "";
  const best = isSearching ? list.querySelector("label.choice-list__row:not([hidden]) [type=radio]") : null;
  if (shown && shown !== best) shown.checked = false;
  all("[data-best]", list).forEach((input) => { delete input.dataset.best; });
  if (!best) return "";
  best.dataset.best = "";
  if (!best.checked) {
    best.checked = true;
    best.dispatchEvent(new Event("change", { bubbles: true }));
  }
  return best.closest("label").querySelector("strong").textContent;
}

// Return whether something is chosen. If not, say so.
export function checkChoice(list, status) {
  if (list.querySelector("input:checked")) return true;
  status.textContent = gettext("Choose one first.");
  list.addEventListener("change", () => { status.textContent = ""; }, { once: true });
  return false;
}

export function searchList(box, list, status, kind) {
  box.addEventListener("input", () => searchRows(box, list, status, kind));
  kind?.addEventListener("change", () => searchRows(box, list, status, kind));
  list.addEventListener("click", ({ target }) => { delete target.dataset.best; });
  const submit = () => box.form.requestSubmit(box.form.querySelector("[value=put]"));
  let pointed; // the row that was clicked last
  const radio = (target) => target.closest("label.choice-list__row")?.querySelector("[type=radio]");
  // A click chooses at once, or a second click where there is more to answer.
  list.addEventListener("click", (event) => {
    const input = radio(event.target);
    if (!input || !event.pointerType) return;
    // The label would click the button once more.
    if (event.target !== input) event.preventDefault();
    input.checked = true;
    if (!isSingleChoice(list) && input !== pointed) {
      pointed = input;
      input.focus();
      input.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    pointed = undefined;
    ignoreSecondClick();
    submit();
  });
  // The arrow keys in the search box select a row, or go to the first one where several can be checked.
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing || event.altKey || isWebAddress(box, list)) return;
    const rows = all("label.choice-list__row:not([hidden]) input", list);
    if (!rows.length) return;
    event.preventDefault();
    if (rows[0].type === "checkbox") {
      rows[0].focus();
      return;
    }
    const now = rows.findIndex((input) => input.checked);
    const next = rows[(Math.max(now, step > 0 ? -1 : 0) + step + rows.length) % rows.length];
    delete next.dataset.best;
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
    next.closest("label").scrollIntoView({ block: "nearest" });
    status.textContent = format(gettext("Press Enter to choose “%(name)s”."), { name: next.closest("label").querySelector("strong").textContent });
  });
  // Enter in the search box submits if a visible option is selected. Where several can be checked, it checks the first match.
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || isWebAddress(box, list)) return;
    const first = all(".choice-list__row:not([hidden]) input", list)[0];
    if (list.querySelector(":checked")?.closest("[hidden]") === null) return;
    event.preventDefault();
    if (first && !box.value.trim()) checkChoice(list, status);
    if (!first || !box.value.trim()) return;
    first.click();
    first.focus();
  });
}

// Fill a list with rows to choose from. ``many``: with checkboxes.
export function fillList(list, { rows, name = "choice", many = false, error = "" }) {
  const emptyMessage = Object.assign(document.createElement("p"), { className: "help", textContent: error || gettext("None yet.") });
  list.replaceChildren(...(rows.length ? rows.map((row) => option(row, { name, many })) : [emptyMessage]));
  all("label.choice-list__row", list).forEach((row, at) => numbers.set(row, at));
}

function unavailable(row) {
  const item = Object.assign(document.createElement("li"), { className: "choice-list__row" });
  const words = document.createElement("span");
  const title = Object.assign(document.createElement("strong"), { textContent: row.name, id: nextId() });
  words.append(title, small(row.reason));
  if (row.edit) {
    const link = Object.assign(document.createElement("a"), { href: row.edit, target: "_blank", textContent: gettext("Add them (opens in a new tab)") });
    link.setAttribute("aria-describedby", title.id);
    words.append(link);
  }
  item.append(thumbnail(row), words);
  mark(item, row);
  return item;
}

// The list of pictures in a dialog, with a search box, a filter by kind, and below it the pictures that this page cannot show.
export function createPictureList(dialog) {
  const find = (name) => dialog.querySelector(`[data-${name}]`);
  const [box, kind, list, others, status] = ["search", "kind", "list", "unavailable", "count"].map(find);
  const scroller = list.parentElement;
  searchList(box, scroller, status, kind);
  return {
    // Begin with an empty list and search.
    clear() {
      [box.value, kind.value, status.textContent] = ["", "", gettext("Loading…")];
      scroller.dataset.loading = "yes";
      list.replaceChildren();
      others.hidden = true;
    },
    // Apply any search text typed before the rows loaded.
    fill({ rows, error = "", chosen = "" }) {
      delete scroller.dataset.loading;
      fillList(list, { rows: rows.filter((row) => !row.reason), error });
      const left = rows.filter((row) => row.reason);
      others.querySelector("ul").replaceChildren(...left.map(unavailable));
      const kinds = new Map(rows.map((row) => [row.kind, row.kind_name]));
      kind.replaceChildren(kind.options[0], ...[...kinds].sort(([, title], [, other]) => title.localeCompare(other)).map(([key, title]) => new Option(title, key)));
      searchRows(box, scroller, status, kind);
      const input = all("input", list).find((choice) => choice.value === chosen);
      if (input) input.checked = true;
    },
    showChosen() {
      scroller.scrollTop = 0;
      list.querySelector(":checked")?.closest("label").scrollIntoView({ block: "nearest" });
    },
  };
}

function options(select, rows) {
  const first = select.options[0];
  select.replaceChildren(first, ...rows.map((row) => new Option(row.more ? `${row.more}: ${row.name}` : row.name, row.key)));
  select.value = "";
}

export function startChoiceLists(editor, field) {
  let choices;
  let pictures;
  let language = "";
  const asked = () => languageOf(field);

  async function loadChoices() {
    const result = await getJson(`${editor.dataset.choices}?language=${asked()}`);
    if (result.status !== 200) return result.data.error ?? gettext("The list could not be loaded. Please try again.");
    choices = result.data;
    language = asked();
    return "";
  }

  return {
    find: (window, key) => choices?.[KINDS[window]]?.find((row) => row.key === key),
    forget: () => { choices = undefined; },
    // ``show`` opens the dialog. It does not wait for the list: words typed in the meantime search it, and do not go into
    // the text.
    async fill(dialog, name, show) {
      const list = dialog.querySelector("[data-list]");
      const sources = dialog.querySelector("select[name=source]");
      const [box, status] = ["search", "count"].map((part) => dialog.querySelector(`[data-${part}]`));
      if (name === "picture") pictures.clear();
      else if (list) {
        list.replaceChildren();
        [box.value, status.textContent] = ["", gettext("Loading…")];
        list.dataset.loading = "yes";
      }
      show();
      if (!list && !sources) return;
      const error = choices && language === asked() ? "" : await loadChoices();
      if (sources && !error) options(sources, choices.sources);
      if (!list) return;
      const rows = error ? [] : choices[KINDS[name]];
      if (name === "picture") {
        pictures.fill({ rows, error });
        const usable = rows.filter((row) => !row.reason);
        options(dialog.querySelector("[name=second]"), usable.map(({ key, name: title }) => ({ key, name: title })));
        return;
      }
      delete list.dataset.loading;
      list.dataset.add = choices?.add?.[KINDS[name]] ?? "";
      fillList(list, { rows, error, many: name === "care" });
      searchRows(box, list, status);
    },
    start(dialog, name) {
      const box = dialog.querySelector("[data-search]");
      if (!box) return;
      if (name === "picture") {
        pictures = createPictureList(dialog);
        return;
      }
      searchList(box, dialog.querySelector("[data-list]"), dialog.querySelector("[data-count]"));
      if (name !== "link") return;
      // Either a page or a web address.
      box.addEventListener("input", () => {
        const rows = all("[name=choice]", dialog);
        const spaceError = hasSpace(box.value) ? gettext("A web address cannot contain a space. Delete the space, or copy the address again.") : "";
        box.setCustomValidity(isInsecure(box.value.trim()) ? gettext("Web addresses must start with https://.") : spaceError);
        if (isAddress(box.value)) rows.forEach((row) => { row.checked = false; });
        if (!rows.some((row) => row.checked)) options(dialog.querySelector("[name=section]"), []);
      });
      dialog.addEventListener("change", (event) => {
        if (event.target.name !== "choice") return;
        if (isAddress(box.value)) {
          box.value = "";
          dialog.querySelector("[data-count]").textContent = "";
        }
        options(dialog.querySelector("[name=section]"), choices.pages.find((row) => row.key === event.target.value).sections);
      });
    },
  };
}
