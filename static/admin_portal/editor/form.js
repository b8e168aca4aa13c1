// The form's values: to detect unsaved changes, to autosave, and to restore.

const NOT_TEXT = new Set(["csrfmiddlewaretoken", "client_id", "version", "merge_version", "page"]);

export function values(form) {
  const found = {};
  new FormData(form).forEach((value, name) => {
    if (!NOT_TEXT.has(name) && typeof value === "string") found[name] = value;
  });
  return found;
}

// The language of the page: selectable in the form while the page is new, fixed afterward.
export const languageOf = ({ form }) => form.querySelector("[name=language]")?.value
  || form.querySelector("[data-language]")?.dataset.language || "";

// Browsers differ in line endings: \r\n or \n. The order of the fields does not matter.
const plain = (found) => JSON.stringify(found && Object.entries(found).sort()).replaceAll("\\r\\n", "\\n");
export const same = (first, second) => plain(first) === plain(second);

function row(form, name) {
  // Add a missing row of the reading list with Django's own link.
  const [, group] = /^(.+)-\d+-/.exec(name) ?? [];
  if (group) document.querySelector(`#${CSS.escape(group)}-group .add-row a`)?.click();
  return form.elements[name];
}

// Fill in the form, in text areas by replaceText, so that the browser's undo works.
export function fill(form, fields, replaceText) {
  const total = Object.entries(fields).filter(([name]) => !name.endsWith("_FORMS"));
  total.forEach(([name, value]) => {
    const input = form.elements[name] ?? row(form, name);
    if (!input || input instanceof RadioNodeList) return;
    if (input.type === "checkbox") input.checked = true;
    else if (input.tagName === "TEXTAREA" && input.value !== value) replaceText(input, value);
    else if (input.value !== value) input.value = value;
  });
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

// Times are shown in the clinic's time zone, as on all staff screens, not in the browser's.
const timeZone = document.querySelector("meta[name=time-zone]")?.content;

export function clock(moment) {
  const at = new Date(moment);
  // The time format of the other staff screens, which follows their language, not the browser's locale.
  const locale = document.documentElement.lang || undefined;
  const time = at.toLocaleTimeString(locale, { hour: "numeric", minute: "2-digit", timeZone });
  const day = (date) => date.toLocaleDateString(locale, { day: "numeric", month: "short", timeZone });
  return day(at) === day(new Date()) ? time : `${day(at)}, ${time}`;
}
