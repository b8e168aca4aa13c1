// The editor toolbar: view switcher, main action, menus, undo, and save status.

import { all } from "./api.js";
import { fill, same, values } from "./form.js";
import { replaceAll } from "./insert_text.js";
import { gettext } from "../i18n.js";
import { remember, remembered } from "../user_storage.js";
import { offerUndo } from "./undo_notice.js";

const NAME = "view"; // what this browser shows: text, both, or page
const WIDE = matchMedia("(min-width: 64rem)");

// The views (text, both, page) and the panel. Returns a function that opens a part of the panel.
function startViews(form) {
  const views = all("[data-show]", form);
  const tabs = all("[data-panel-tab]", form);
  const openers = all("[data-open-panel]", form);
  function show(view) {
    form.dataset.view = view;
    views.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.show === view)));
  }
  function showPanel(name) {
    form.dataset.panel = name;
    tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab.dataset.panelTab === name)));
    openers.forEach((opener) => opener.setAttribute("aria-expanded", String(opener.dataset.openPanel === name)));
  }
  // On a small screen, one of text and page is shown.
  const fit = () => {
    const wanted = remembered(NAME) ?? "both";
    show(!WIDE.matches && wanted === "both" ? "text" : wanted);
  };
  views.forEach((button) => button.addEventListener("click", () => {
    show(button.dataset.show);
    remember(NAME, button.dataset.show);
  }));
  openers.forEach((opener) => opener.addEventListener("click", () => {
    const name = form.dataset.panel === opener.dataset.openPanel ? "" : opener.dataset.openPanel;
    showPanel(name);
    form.querySelector(`[data-panel-tab="${name}"]`)?.focus();
  }));
  tabs.forEach((tab) => tab.addEventListener("click", () => showPanel(tab.dataset.panelTab)));
  form.querySelector("[data-close-panel]")?.addEventListener("click", () => {
    const opener = openers.find((button) => button.dataset.openPanel === form.dataset.panel) ?? openers[0];
    showPanel("");
    opener.focus();
  });
  // A small screen starts with the text, unless the form has errors or is a new page.
  showPanel(WIDE.matches || form.dataset.panel === "templates" || form.querySelector(".errornote") ? form.dataset.panel : "");
  WIDE.addEventListener("change", fit);
  fit();
  return {
    openPanel(name) {
      if (name && form.dataset.panel !== name) showPanel(name);
    },
    closeTemplates() {
      if (form.dataset.panel === "templates") showPanel("");
    },
    // Show the text pane before moving the caret in it.
    showText() {
      if (form.dataset.view === "page") show(WIDE.matches ? "both" : "text");
      if (!WIDE.matches) showPanel("");
    },
  };
}

// Menus close on a click elsewhere, or with Esc. A save can replace them (saving.js), so the form listens for them.
function startMenus(form) {
  const menuOf = ({ target }) => target.closest?.("[data-menu]");
  document.addEventListener("click", (event) => {
    all("[data-menu]", form).forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  // Open it here, because "toggle" comes later, and keys pressed before then would miss the field.
  form.addEventListener("click", (event) => {
    const menu = menuOf(event);
    if (!menu || event.target.closest("summary")?.parentElement !== menu) return;
    event.preventDefault();
    menu.open = !menu.open;
    if (menu.open) menu.querySelector("input, textarea")?.focus();
  });
  form.addEventListener("focusout", (event) => {
    const menu = menuOf(event);
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  form.addEventListener("click", (event) => {
    if (menuOf(event) && event.target.closest("button[type=button]")) menuOf(event).open = false;
  });
  form.addEventListener("keydown", (event) => {
    const menu = menuOf(event);
    if (menu && event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    // Enter in a field presses the button of its own menu, not "Save draft".
    if (menu && event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      menu.querySelector("button[type=submit]").click();
    }
  });
}

// The page's own values, without the notes that go with the next step.
function pageValues(found) {
  const rest = { ...found };
  delete rest.note;
  delete rest.what_changed;
  return rest;
}

// One main action: "Save draft" on a new page and while something is unsaved, otherwise the page's next step. Sending also
// saves, so it can be chosen before, as a second action.
function startMainAction(form, opened) {
  const wasRefused = form.querySelector("[data-unsaved]") !== null;
  const part = (selector) => form.querySelector(selector);
  const show = () => {
    const [save, next, saveItem, discard] = ["[data-save]", "[data-next]", "[data-menu-save]", "[data-discard-changes]"].map(part);
    const dirty = wasRefused || !same(pageValues(values(form)), pageValues(opened));
    const isUnsaved = dirty || !form.elements.page;
    form.dataset.dirty = dirty;
    if (next && save) {
      // An open menu stays: someone is typing the note in it.
      next.hidden = isUnsaved && !next.open && !part("[data-next] button[name=_submit]");
      const opener = next.querySelector("summary") ?? next;
      opener.classList.toggle("default", !isUnsaved);
      opener.classList.toggle("button--secondary", isUnsaved);
      save.hidden = !isUnsaved;
    }
    if (saveItem) saveItem.hidden = !(next && !isUnsaved);
    if (discard) discard.hidden = !dirty;
  };
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("toggle", show, true);
  show();
  const saveDraft = () => form.requestSubmit(part("[data-save]"));
  form.addEventListener("editor:save", saveDraft);
  function openSend() {
    const button = part(".action-menu button[name=_submit]");
    if (!button) return false;
    const menu = button.closest("details");
    menu.hidden = false;
    menu.open = true;
    (menu.querySelector("input, textarea") ?? button).focus();
    return true;
  }
  form.addEventListener("editor:send", openSend);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (event.key === "Enter" && event.shiftKey && !document.querySelector("dialog[open]") && openSend()) event.preventDefault();
    if (event.shiftKey) return;
    if (event.key.toLowerCase() === "s" && part("[data-save]")) {
      event.preventDefault();
      saveDraft();
    }
    if (event.key.toLowerCase() === "f" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      form.dispatchEvent(new CustomEvent("editor:find"));
    }
  });
  return show;
}

function startHistory(form, editor, text) {
  const [undo, redo] = [form.querySelector("[data-undo]"), form.querySelector("[data-redo]")];
  const show = ({ canUndo, canRedo }) => {
    undo.disabled = !canUndo;
    redo.disabled = !canRedo;
  };
  undo.addEventListener("click", () => text().undo());
  redo.addEventListener("click", () => text().redo());
  editor.addEventListener("editor:state", (event) => show(event.detail));
}

// "Discard unsaved changes" can itself be taken back.
function startDiscard(form, opened, changed) {
  function discard() {
    const mine = values(form);
    fill(form, opened, replaceAll);
    changed();
    const notice = offerUndo(form, gettext("Your unsaved changes were discarded."), () => {
      fill(form, mine, replaceAll);
      changed();
    });
    // Once the user keeps typing, drop the offer; the editor's own undo still works.
    form.addEventListener("keydown", (event) => { if (event.key.length === 1 && !event.ctrlKey) notice.remove(); }, { once: true });
  }
  form.addEventListener("click", ({ target }) => { if (target.closest("[data-discard-changes]")) discard(); });
  form.addEventListener("editor:discard", discard);
}

function onEnter(input, act) {
  input?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
}

// ``opened``: the values that the form was opened with.
export function startBar(form, editor, { text, opened, windows }) {
  all("[data-needs-script]", form).forEach((element) => { element.hidden = false; });
  // Show the save status and errors next to where the user is typing.
  form.querySelector("[data-status]").replaceWith(editor.querySelector("[data-save-status]"));
  form.querySelector("[data-notices]").prepend(...["presence", "recovery"].map((name) => editor.querySelector(`[data-${name}]`)));
  form.querySelector("[data-bar]").append(editor.querySelector("[data-notice]"));
  // Put the outline next to the text's buttons, so it takes up no extra line.
  const side = Object.assign(document.createElement("div"), { className: "editor__side" });
  side.append(editor.querySelector("[data-source]"), editor.querySelector("[data-outline]"));
  editor.querySelector(".editor__bars").append(side);
  const { openPanel, closeTemplates, showText } = startViews(form);
  const goToLine = (line) => {
    showText();
    text().goToLine(line);
  };
  startMenus(form);
  form.addEventListener("editor:saving", () => all("[data-menu]", form).forEach((menu) => { menu.open = false; }));
  // F7 is "Spelling and grammar" in Word.
  form.addEventListener("editor:check", () => {
    openPanel("problems");
    form.querySelector("[data-panel-tab=problems]").focus();
  });
  const showAction = startMainAction(form, opened);
  startHistory(form, editor, text);
  startDiscard(form, opened, showAction);
  const title = form.elements.title;
  const name = form.querySelector("[data-page-name]");
  const empty = name.textContent;
  const showName = () => { name.textContent = title?.value.trim() || empty; };
  showName();
  title?.addEventListener("input", showName);
  form.addEventListener("change", showName); // as when another version is restored
  // After Back or Forward, the browser fills the fields in later.
  addEventListener("pageshow", showName);
  // Enter goes on to what comes next, instead of sending the form.
  onEnter(title, () => form.elements.key_message.focus());
  onEnter(form.elements.key_message, () => text().focus());
  // Typing a text dismisses the template picker, which a saved page does not have. A template keeps the title.
  form.addEventListener("input", ({ target }) => { if (target.name === "body") closeTemplates(); });
  form.addEventListener("editor:saved", closeTemplates);
  const showHelp = () => all("[data-keyboard-help]", form).forEach((help) => { help.hidden = !windows; });
  showHelp();
  form.addEventListener("click", ({ target }) => { if (target.closest("[data-keyboard-help]")) windows.open("keys"); });
  if (windows && form.querySelector("[data-keyboard-help]")) editor.querySelector("[data-choose=keys]")?.remove();
  form.addEventListener("editor:saved", () => {
    showHelp();
    showAction();
  });
  return { openPanel, showText, goToLine };
}
