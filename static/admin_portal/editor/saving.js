// "Save draft" sends the form without leaving the screen: what is typed meanwhile, undo, the caret, and the scroll
// position stay. The request and the response are those of the form itself, so the site checks the same things; from the
// page that it returns, this takes what a save changes. Whatever needs another screen (errors, a merge) is loaded as usual.

import { gettext } from "../i18n.js";
import { all } from "./api.js";
import { same, values } from "./form.js";

const MESSAGE_MS = 8000; // how long a message stays that repeats what the bar says

const rowsOf = (found) => Object.fromEntries(Object.entries(found).filter(([name]) => name.startsWith("items-")));

// Replace a part of the screen. What was typed in it, an open menu, and the focus stay.
function replacePart(part, fresh) {
  const typed = all("input[name]", part).map(({ name, value }) => [name, value]);
  const focused = part.contains(document.activeElement) ? document.activeElement.name : "";
  const open = all("details", part).filter((details) => details.open).map(({ className }) => className);
  part.replaceChildren(...fresh.childNodes);
  const input = (name) => part.querySelector(`input[name="${name}"]`);
  typed.forEach(([name, value]) => { if (input(name)) input(name).value = value; });
  all("details", part).forEach((details) => { if (open.includes(details.className)) details.open = true; });
  if (focused) part.querySelector(`[name="${focused}"]`)?.focus({ preventScroll: true });
}

function showMessages(doc) {
  document.querySelector("ul.messagelist")?.remove();
  const list = doc.querySelector("ul.messagelist");
  if (!list) return;
  // Over the screen, so that the text does not move while someone types.
  document.querySelector("#content").before(list);
  if (list.querySelector(".warning, .error")) return;
  list.classList.add("messagelist--floating");
  setTimeout(() => list.remove(), MESSAGE_MS);
}

// Call before other scripts change the form. ``opened``: the values that the form was opened with; a save changes them.
export function startSaving(editor, form, opened) {
  // The parts as the site last rendered them, to leave alone those that stay the same.
  const served = new Map(all("[data-renew]", form).map((part) => [part, part.innerHTML]));

  // "Draft saved" is not true of what is typed next.
  form.addEventListener("input", () => {
    const list = document.querySelector("ul.messagelist:not(.messagelist--floating)");
    if (!list) return;
    all("li:not(.warning, .error)", list).forEach((item) => item.remove());
    if (!list.childElementCount) list.remove();
  });

  // The rows of a reading list get their keys when they are saved, so a changed list needs the form that the site returns.
  function isListSaved() {
    const count = (name) => form.elements[`items-${name}_FORMS`]?.value;
    return count("TOTAL") === count("INITIAL") && same(rowsOf(values(form)), rowsOf(opened));
  }
  const canSave = (button) => button?.name === "_continue" && !form.querySelector("[data-unsaved], [data-merge]") && isListSaved();

  // A new page becomes a saved one.
  function adopt(fresh) {
    form.prepend(fresh.querySelector("input[name=page]"));
    form.querySelector("[data-panel-tab=status]").hidden = false;
    form.querySelector("[data-language]").dataset.language = fresh.querySelector("[data-language]").dataset.language;
    form.before(fresh.ownerDocument.querySelector("#restore-form"));
  }

  function renew(fresh, doc) {
    if (!form.elements.page) adopt(fresh);
    served.forEach((html, part) => {
      const now = fresh.querySelector(`[data-renew="${part.dataset.renew}"]`);
      if (now.innerHTML === html) return;
      served.set(part, now.innerHTML);
      replacePart(part, now);
    });
    all("[data-until-saved]", form).forEach((element) => element.remove());
    ["version", "base_revision"].forEach((name) => { form.elements[name].value = fresh.elements[name].value; });
    document.querySelector("#restore-form input[name=version]").value = fresh.elements.version.value;
    document.title = doc.title;
    showMessages(doc);
    editor.querySelector("[data-live]").textContent = document.querySelector("ul.messagelist")?.textContent.trim() ?? "";
  }

  // The site made the address of a new page from its title.
  function showAddress(fresh, sent) {
    ["slug", "subject"].forEach((name) => {
      const input = form.elements[name];
      if (!input || sent[name]) return;
      sent[name] = fresh.elements[name].value;
      input.value ||= sent[name];
    });
  }

  // What was sent is saved. A note belongs to one save; one that was not sent stays.
  function remember(sent) {
    const now = values(form);
    const note = form.elements.note;
    if (note && sent.note !== undefined && note.value === sent.note) note.value = "";
    Object.keys(opened).forEach((name) => delete opened[name]);
    Object.assign(opened, sent, { base_revision: now.base_revision });
    ["note", "what_changed"].forEach((name) => {
      if (name in now) opened[name] = "";
      else delete opened[name];
    });
  }

  // Return undefined if the site wants to show another screen, else the result: status 200, or what went wrong.
  async function save(button) {
    const sent = values(form);
    const body = new FormData(form);
    body.set(button.name, button.value);
    if (form.elements.note?.closest("[data-menu]")) {
      body.delete("note");
      delete sent.note;
    }
    // A new page starts with version 0.
    const version = form.elements.page ? Number(form.elements.version.value) + 1 : 0;
    let response;
    let html;
    try {
      response = await fetch(form.getAttribute("action") || location.href, { method: "POST", body, headers: { Accept: "text/html" } });
      html = await response.text();
    } catch {
      return { status: 0, data: { error: gettext("We cannot reach the site. Your text is still here.") } };
    }
    const doc = new DOMParser().parseFromString(html, "text/html");
    const fresh = doc.querySelector("form.writing");
    if (!fresh) return { status: response.status === 200 ? 500 : response.status, data: {} };
    // Anything but the next version is someone else's, or nothing was saved.
    if (!response.redirected || Number(fresh.elements.version?.value) !== version) return undefined;
    history.replaceState(history.state, "", response.url);
    renew(fresh, doc);
    showAddress(fresh, sent);
    remember(sent);
    form.dispatchEvent(new CustomEvent("editor:saved"));
    return { status: 200, data: {} };
  }

  return { canSave, save };
}
