// The dialog for the alternative text and the caption of a picture. They belong to the picture, so they are saved at once,
// and not with the page.

import { format, gettext } from "../i18n.js";
import { all, getJson, postForm } from "./api.js";
import { languageOf } from "./form.js";

// Return a function that opens the dialog for a row of the picture list. ``saved`` is called after the texts were saved, and
// ``closed`` whenever the dialog was closed.
export function createPictureTexts(editor, field, dialog) {
  const form = dialog.querySelector("form");
  const boxes = all("textarea", form);
  const find = (name) => form.querySelector(`[data-${name}]`);
  const kept = new Map(); // by URL: what was typed when the dialog was closed with Esc
  let row;
  let isOpen = false;
  let now = {}; // the saved texts with their version, on which the user's words are based
  let onSaved = () => {};
  let onClosed = () => {};

  const typed = () => Object.fromEntries(boxes.map(({ name, value }) => [name, value]));
  const isChanged = () => boxes.some(({ name, value, readOnly }) => !readOnly && value !== now[name]);
  function showError(sentence = "", notes = {}) {
    find("error").textContent = sentence;
    find("error").hidden = !sentence;
    boxes.forEach((box) => {
      const note = form.querySelector(`[data-note="${box.name}"]`);
      note.textContent = notes[box.name] ?? "";
      note.hidden = !note.textContent;
      box.toggleAttribute("aria-invalid", !note.hidden);
    });
  }

  // In the task of the key or the click, before the next one.
  function close() {
    if (!isOpen) return;
    isOpen = false;
    if (isChanged()) kept.set(row.texts, typed());
    dialog.close();
    onClosed();
  }

  async function load() {
    const { texts } = row;
    const { status, data } = await getJson(texts);
    if (!isOpen || texts !== row.texts) return;
    if (status !== 200) {
      showError(data.error ?? gettext("Something went wrong on the site. Close this, then try again."));
      return;
    }
    now = data;
    boxes.forEach((box) => {
      box.value = kept.get(texts)?.[box.name] ?? data[box.name];
      box.readOnly = false;
    });
    kept.delete(texts);
    find("put").disabled = false;
    boxes[0].focus();
  }

  async function save() {
    // Each text is one line.
    boxes.forEach((box) => { box.value = box.value.trim().replace(/\s*\n\s*/g, " "); });
    const body = new FormData(form);
    body.set("version", now.version);
    find("put").disabled = true;
    const { status, data } = await postForm(editor, `${row.texts}save/`, body);
    find("put").disabled = false;
    if (status === 200) {
      now = typed();
      close();
      onSaved();
      return;
    }
    const notes = Object.fromEntries(Object.entries(data.errors ?? {}).map(([name, errors]) => [name, errors.join(" ")]));
    if (status === 409) {
      // Saving again replaces what the user has now seen.
      now = data;
      boxes.filter(({ name, value }) => value !== data[name])
        .forEach(({ name }) => { notes[name] = format(gettext("Saved now: “%(words)s”"), { words: data[name] }); });
    }
    showError(data.error ?? gettext("Something went wrong on the site. Your text is still here."), notes);
    (boxes.find(({ name }) => notes[name]) ?? boxes[0]).focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "TEXTAREA") return;
    event.preventDefault();
    form.requestSubmit();
  });
  find("cancel").addEventListener("click", () => {
    now = typed();
    close();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("close", close);
  window.addEventListener("beforeunload", (event) => { if (isOpen && isChanged()) event.preventDefault(); });

  return (picture, { saved, closed }) => {
    [row, onSaved, onClosed] = [picture, saved, closed];
    now = {};
    find("picture").textContent = row.name;
    find("form-link").href = row.edit;
    showError();
    boxes.forEach((box) => Object.assign(box, { value: "", readOnly: true, lang: languageOf(field) }));
    find("put").disabled = true;
    isOpen = true;
    dialog.showModal();
    load();
  };
}
