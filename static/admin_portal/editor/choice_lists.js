// Searchable lists of options in the dialogs, in the language of the page.

import { format, gettext, ngettext } from "../i18n.js";
import { all, getJson } from "./api.js";
import { languageOf } from "./form.js";

const KINDS = { link: "pages", source: "sources", word: "terms", picture: "pictures", series: "series", care: "care" };
const normalize = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function option(kind, row, at) {
  const label = Object.assign(document.createElement("label"), { className: "choice-list__row" });
  const input = Object.assign(document.createElement("input"), {
    type: kind === "care" ? "checkbox" : "radio", name: "choice", value: row.key, required: kind !== "care" && at === 0,
  });
  const words = document.createElement("span");
  words.append(Object.assign(document.createElement("strong"), { textContent: row.name }));
  const detail = row.has_words === false ? gettext("has no words in this language yet") : row.more;
  if (detail) words.append(Object.assign(document.createElement("small"), { textContent: detail }));
  label.append(input);
  if (row.thumbnail) {
    label.append(Object.assign(document.createElement("img"), { src: row.thumbnail, alt: "", loading: "lazy", width: 120, height: 120 }));
  }
  label.append(words);
  label.dataset.words = normalize([row.key, row.name, row.more ?? "", ...row.aliases ?? []].join(" "));
  return label;
}

function search(dialog) {
  const asked = normalize(dialog.querySelector("[data-search]").value).split(/\s+/).filter(Boolean);
  const rows = all(".choice-list__row", dialog);
  rows.forEach((row) => { row.hidden = !asked.every((word) => row.dataset.words.includes(word)); });
  const count = rows.filter((row) => !row.hidden).length;
  const found = count ? format(ngettext("%(count)s found.", "%(count)s found.", count), { count }) : gettext("Nothing found.");
  dialog.querySelector("[data-count]").textContent = asked.length ? found : "";
}

function options(select, rows) {
  const first = select.options[0];
  select.replaceChildren(first, ...rows.map((row) => new Option(row.more ? `${row.more}: ${row.name}` : row.name, row.key)));
  select.value = "";
}

export function startChoiceLists(editor, field) {
  let choices;
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
    async fill(dialog, name) {
      const list = dialog.querySelector("[data-list]");
      const sources = dialog.querySelector("select[name=source]");
      if (!list && !sources) return;
      const error = choices && language === asked() ? "" : await loadChoices();
      if (sources && !error) options(sources, choices.sources);
      if (!list) return;
      const rows = error ? [] : choices[KINDS[name]];
      const emptyMessage = Object.assign(document.createElement("p"), { className: "help", textContent: error || gettext("There are none yet.") });
      list.replaceChildren(...(rows.length ? rows.map((row, at) => option(name, row, at)) : [emptyMessage]));
      dialog.querySelector("[data-search]").value = "";
      search(dialog);
      if (name === "picture") options(dialog.querySelector("[name=second]"), rows.map(({ key, name: title }) => ({ key, name: title })));
    },
    start(dialog, name) {
      const box = dialog.querySelector("[data-search]");
      if (!box) return;
      box.addEventListener("input", () => search(dialog));
      // Enter in the search box selects the first match, or submits if a visible option is selected.
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        const first = all(".choice-list__row:not([hidden]) input", dialog)[0];
        if (dialog.querySelector("[name=choice]:checked")?.closest("[hidden]") === null) return;
        event.preventDefault();
        if (!first) return;
        first.click();
        first.focus();
      });
      if (name !== "link") return;
      dialog.addEventListener("change", (event) => {
        if (event.target.name !== "choice") return;
        options(dialog.querySelector("[name=section]"), choices.pages.find((row) => row.key === event.target.value).sections);
      });
    },
  };
}
