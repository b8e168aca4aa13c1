// The form around the field as plain values: to see whether anything is unsaved, to keep it, and to fill it in again.

const NOT_TEXT = new Set(["csrfmiddlewaretoken", "client_id", "version", "merge_version", "page"]);

export function values(form) {
  const found = {};
  new FormData(form).forEach((value, name) => {
    if (!NOT_TEXT.has(name) && typeof value === "string") found[name] = value;
  });
  return found;
}

// Of the page that is written: chosen in the form while it is new, fixed afterwards.
export const languageOf = ({ form }) => form.querySelector("[name=language]")?.value
  || form.querySelector("[data-language]")?.dataset.language || "";

// A browser may call a line end \r\n where another says \n.
export const same = (one, other) => JSON.stringify(one).replaceAll("\\r\\n", "\\n") === JSON.stringify(other).replaceAll("\\r\\n", "\\n");

function row(form, name) {
  // A row of the reading list that is not there yet: Django's own link adds one.
  const [, group] = /^(.+)-\d+-/.exec(name) ?? [];
  if (group) document.querySelector(`#${CSS.escape(group)}-group .add-row a`)?.click();
  return form.elements[name];
}

// Fills by typing where the browser's own undo can take it back.
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
  // As the rest of the admin writes the time, whatever the browser's own way is.
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const day = (one) => one.toLocaleDateString([], { day: "numeric", month: "short", timeZone });
  return day(at) === day(new Date()) ? time : `${day(at)}, ${time}`;
}
