// Forms for the first line of a block, made from the fields that the registry declares for it.

import { format, gettext } from "../i18n.js";
import { checkChoice, fillList, searchList } from "../editor/choice_lists.js";
import { onDialogResult } from "../editor/dialog_result.js";

const LISTS = { series: "series", care: "care" };
// The content of a block is edited in the text.
const isInside = (field) => field.kind === "text" || field.kind === "lines";

export const lineFields = (info) => info.fields.filter((field) => !isInside(field));
// Whether a picture is the only field of a block.
export const isPicture = (info) => lineFields(info).length === 1 && lineFields(info)[0].kind === "figure";

// Return the values of the fields by name, from what follows the name of a block.
function readOptions(info, options) {
  const parts = options.split(info.separator).map((part) => part.trim()).filter(Boolean);
  const values = {};
  lineFields(info).forEach((field) => {
    if (field.kind === "care") values[field.name] = parts.splice(0);
    else if (field.kind === "flag") {
      const at = parts.indexOf(field.name);
      values[field.name] = at >= 0;
      if (at >= 0) parts.splice(at, 1);
    } else values[field.name] = parts.shift() ?? "";
  });
  return values;
}

function writeOptions(info, values) {
  return lineFields(info).flatMap((field) => {
    const value = values[field.name];
    return field.kind === "flag" ? (value ? [field.name] : []) : value;
  }).filter(Boolean).join(info.separator);
}

function element(tag, className, more = {}) {
  return Object.assign(document.createElement(tag), { className, ...more });
}

function labeled(label, input) {
  const box = element("label", "");
  box.append(label, " ", input);
  return box;
}

function choice(field, value, type, isFirst) {
  const group = element("fieldset", "dialog__fieldset");
  group.append(element("legend", "", { textContent: field.label }));
  Object.entries(field.choices).forEach(([key, name]) => {
    const label = element("label", "checkbox");
    // A dialog gives the focus to its first control, or to one with autofocus: a group of radio buttons to the checked one.
    const input = element("input", "", { type, name: field.name, value: key, required: field.required, checked: key === value, autofocus: isFirst && key === value });
    label.append(input, ` ${name}`);
    group.append(label);
  });
  return group;
}

function list(field, value, names) {
  const kind = LISTS[field.kind];
  const group = element("fieldset", "dialog__fieldset");
  group.append(element("legend", "", { textContent: field.label }));
  const search = element("input", "", { type: "search", autocomplete: "off" });
  const rows = element("div", "choice-list");
  rows.dataset.list = field.kind;
  const count = element("p", "help");
  count.setAttribute("role", "status");
  fillList(rows, { rows: names.all(kind), name: field.name, many: field.kind === "care" });
  const chosen = new Set([value].flat());
  rows.querySelectorAll("input").forEach((input) => { input.checked = chosen.has(input.value); });
  searchList(search, rows, count);
  group.append(labeled(gettext("Search"), search), rows, count);
  // The chosen row is in view when the dialog opens.
  setTimeout(() => rows.querySelector(":checked")?.scrollIntoView({ block: "nearest" }));
  return group;
}

// A button that opens the picture chooser, next to the chosen picture.
function picture(field, value, names, choosePicture) {
  const group = element("fieldset", "dialog__fieldset");
  const shown = element("div", "picture-field");
  const input = element("input", "", { type: "hidden", name: field.name });
  const words = element("span", "picture-field__name");
  const button = element("button", "button button--secondary", { type: "button" });
  const error = element("p", "errornote", { textContent: gettext("Choose a picture."), hidden: true });
  error.setAttribute("role", "alert");
  const show = (key) => {
    const row = names.find("pictures", key);
    input.value = key;
    words.textContent = row?.name ?? (key || gettext("No picture yet"));
    button.textContent = key ? gettext("Change") : gettext("Choose…");
    button.setAttribute("aria-label", `${field.label}: ${key ? `${words.textContent}. ` : ""}${button.textContent}`);
    const image = row?.thumbnail ? [element("img", "picture-field__image", { src: row.thumbnail, alt: "" })] : [];
    shown.replaceChildren(...image, words, button, input);
    if (key) error.hidden = true;
  };
  button.addEventListener("click", async () => {
    const key = await choosePicture({
      load: async () => (names.isLoaded() ? names.all("pictures") : undefined), chosen: input.value,
      name: format(gettext("Choose a picture: %(field)s"), { field: field.label }), action: gettext("Choose"),
    });
    if (key !== undefined) show(key);
    button.focus();
  });
  show(value ?? "");
  group.append(element("legend", "", { textContent: field.label }), shown, error);
  return group;
}

function fieldPart(field, value, { names, choosePicture, isFirst }) {
  if (field.kind === "figure") return picture(field, value, names, choosePicture);
  if (LISTS[field.kind]) return list(field, value, names);
  if (field.kind === "choice") return choice(field, value, "radio", isFirst);
  if (field.kind === "flag") {
    const label = element("label", "checkbox");
    label.append(element("input", "", { type: "checkbox", name: field.name, value: "1", checked: Boolean(value) }), ` ${field.label}`);
    return label;
  }
  const input = element("input", "", { type: "number", name: field.name, min: 0, max: 1000, value: value ?? "", required: field.required });
  return labeled(field.label, input);
}

// Ask for the fields of a block. ``now``: its options, or undefined for a new one; ``before``: those of another block, from
// which a new one takes its choices. ``done`` gets the new options, or undefined.
export function askForOptions(info, { now, before = "" }, { names, choosePicture, loadPictures }, done) {
  const isNew = now === undefined;
  const fields = lineFields(info);
  const known = readOptions(info, now ?? before);
  const isTaken = (field) => !isNew || (field.kind === "choice" && Object.hasOwn(field.choices, known[field.name]));
  const values = Object.fromEntries(fields.map((field) => [field.name, isTaken(field) ? known[field.name] : field.default]));
  if (isPicture(info)) {
    // Skip the dialog if its only control would be the picture button.
    choosePicture({
      load: loadPictures, chosen: values[fields[0].name], canUpload: isNew,
      name: isNew ? gettext("Insert a picture") : gettext("Change the picture"), action: isNew ? gettext("Insert") : gettext("Change"),
    }).then((key) => done(key && writeOptions(info, { [fields[0].name]: key })));
    return;
  }
  const dialog = element("dialog", "dialog");
  const form = element("form", "", { method: "dialog" });
  const title = element("h2", "dialog__title", { textContent: info.label, id: "block-form-title" });
  dialog.setAttribute("aria-labelledby", title.id);
  const buttons = element("div", "buttons");
  const save = element("button", "button default", { type: "submit", value: "put", textContent: isNew ? gettext("Insert") : gettext("Change") });
  const cancel = element("button", "button button--secondary", { type: "submit", value: "", textContent: gettext("Cancel"), formNoValidate: true });
  buttons.append(save, cancel);
  form.append(title, ...fields.map((field, at) => fieldPart(field, values[field.name], { names, choosePicture, isFirst: !at })), buttons);
  dialog.append(form);
  onDialogResult(dialog, (value) => {
    const data = new FormData(form);
    dialog.remove();
    if (value !== "put") return done(undefined);
    const given = Object.fromEntries(fields.map((field) => [field.name, field.kind === "care" ? data.getAll(field.name) : data.get(field.name) ?? ""]));
    return done(writeOptions(info, given));
  }, (value) => {
    if (value !== "put") return true;
    const data = new FormData(form);
    const lists = [...form.querySelectorAll("[data-list]")];
    const isChosen = lists.every((rows) => checkChoice(rows, rows.nextElementSibling));
    const empty = fields.filter((field) => field.kind === "figure" && !data.get(field.name)).map((field) => form.elements[field.name].closest("fieldset"));
    empty.forEach((group) => { group.querySelector(".errornote").hidden = false; });
    empty[0]?.querySelector("button").focus();
    return isChosen && !empty.length;
  });
  document.body.append(dialog);
  dialog.showModal();
}
