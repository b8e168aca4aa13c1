// Recovery of earlier unsaved text: restore it, compare it, or discard it. A row: {slot, at, version, fields}, and "here" if
// it is stored in this browser, or "closed" if its window no longer reports.

import { format, gettext, ngettext } from "../i18n.js";
import { all, postForm } from "./api.js";
import { clock } from "./form.js";
import { focusText } from "./insert_text.js";
import { offerUndo } from "./undo_notice.js";

function button(text, act, quiet = "") {
  const element = Object.assign(document.createElement("button"), { type: "button", className: `button ${quiet}`, textContent: text });
  element.addEventListener("click", act);
  return element;
}

const MARKS = { "+": "ins", "-": "del" };
const CONTEXT_LENGTH = 160; // characters of unchanged text shown on each side of a change

const short = (words) => (words.length > 3 * CONTEXT_LENGTH ? `${words.slice(0, CONTEXT_LENGTH)} … ${words.slice(-CONTEXT_LENGTH)}` : words);

function showChanges(place, changes) {
  place.replaceChildren(...changes.map(([sign, words]) => {
    if (!(sign in MARKS)) return document.createTextNode(short(words));
    return Object.assign(document.createElement(MARKS[sign]), { textContent: words });
  }));
}

// ``take``: shows an offer in the form. ``setAside``: stores what is in the form, and returns it as an offer. ``dirty``: whether
// the form has unsaved text. ``restore``: puts back an offer that was dismissed.
export function startDraftRecovery(editor, form, { take, setAside, dirty, forget, restore }) {
  let offered = [];
  const box = editor.querySelector("[data-recovery]");
  const dialog = () => document.querySelector("dialog[data-dialog=compare]");

  async function compare(offer) {
    const body = new FormData();
    Object.entries(offer.fields).forEach(([name, value]) => body.set(name, value));
    if (form.elements.page) body.set("page", form.elements.page.value);
    const result = await postForm(editor, editor.dataset.compare, body);
    const list = dialog().querySelector("[data-differences]");
    const parts = (result.data.fields ?? []).flatMap(({ name, changes }) => {
      const label = document.querySelector(`label[for=id_${name}]`)?.textContent.replace(/:$/, "") ?? name;
      const words = Object.assign(document.createElement("div"), { className: "text-diff", tabIndex: 0, role: "group", ariaLabel: label });
      showChanges(words, changes);
      return [Object.assign(document.createElement("h3"), { textContent: label }), words];
    });
    const message = result.data.error ?? gettext("It is identical to the saved draft.");
    list.replaceChildren(...(parts.length ? parts : [Object.assign(document.createElement("p"), { textContent: message })]));
    dialog().showModal();
    list.querySelector("ins, del")?.scrollIntoView({ block: "center" });
  }

  async function discard(offer) {
    forget(offer);
    const body = new FormData();
    body.set("slot", offer.slot);
    await postForm(editor, editor.dataset.discard, body);
  }

  // Show the newest; older ones are collapsed, so that they do not push the text down.
  function showRows(rows) {
    const [newest, ...older] = rows;
    const open = box.querySelector("details")?.open ?? false; // stay open after each discard
    box.hidden = rows.length === 0;
    box.replaceChildren(...(newest ? [newest] : []));
    if (!older.length) return;
    const olderRows = Object.assign(document.createElement("details"), { open });
    const count = older.length;
    const words = ngettext("%(count)s older unsaved version", "%(count)s older unsaved versions", count);
    olderRows.append(Object.assign(document.createElement("summary"), { textContent: format(words, { count }) }), ...older);
    box.append(olderRows);
  }

  function describe({ at, here, fields }) {
    const values = { title: fields.title, time: clock(at) };
    if (!form.elements.page && fields.title) {
      return format(here ? gettext("You have an unsaved version of “%(title)s” from %(time)s (stored in this browser).")
        : gettext("You have an unsaved version of “%(title)s” from %(time)s."), values);
    }
    return format(here ? gettext("You have an unsaved version from %(time)s (stored in this browser).")
      : gettext("You have an unsaved version from %(time)s."), values);
  }

  // A text that was opened without asking can be compared and discarded.
  function showOpened(offer) {
    const row = Object.assign(document.createElement("div"), { className: "editor__message draft-offer" });
    row.dataset.untilSaved = "";
    const words = Object.assign(document.createElement("p"), {
      textContent: format(gettext("This is your unsaved version from %(time)s."), { time: clock(offer.at) }),
    });
    words.setAttribute("role", "status");
    const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
    buttons.append(
      button(gettext("Compare"), () => compare(offer), "button--secondary"),
      button(gettext("Discard changes"), () => {
        row.remove();
        form.dispatchEvent(new CustomEvent("editor:discard"));
      }, "button--secondary"),
    );
    row.append(words, buttons);
    box.before(row);
  }

  // Show an offer in the form. Unsaved text of the form becomes an offer itself, so this can be undone.
  async function replaceText(offer) {
    const mine = dirty() ? await setAside() : null;
    if (mine === undefined) return;
    take(offer);
    show([...mine ? [mine] : [], ...offered.filter((other) => other !== offer)]);
    focusText(form.elements.body);
    if (mine) offerUndo(form, gettext("The other version is here now. What you were writing is kept as an unsaved version."), () => replaceText(mine), { withKeys: true });
  }

  // Ask first if the form has unsaved text.
  function ask(offer) {
    if (!dirty()) {
      replaceText(offer);
      return;
    }
    const question = document.querySelector("dialog[data-dialog=restore]");
    question.addEventListener("close", () => { if (question.returnValue) replaceText(offer); }, { once: true });
    question.returnValue = "";
    question.showModal();
  }

  function show(offers) {
    offered = offers;
    const rows = offers.map((offer) => {
      const row = Object.assign(document.createElement("div"), { className: "draft-offer" });
      const words = Object.assign(document.createElement("p"), { textContent: describe(offer) });
      const removeRow = () => showRows(all(".draft-offer", box).filter((other) => other !== row));
      const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
      buttons.append(
        button(gettext("Restore"), () => ask(offer)),
        button(gettext("Compare"), () => compare(offer), "button--secondary"),
        button(gettext("Discard"), () => {
          const remaining = all(".draft-offer", box);
          removeRow();
          offered = offered.filter((other) => other !== offer);
          discard(offer);
          offerUndo(form, gettext("The unsaved text was discarded."), () => {
            restore(offer);
            offered = [offer, ...offered];
            showRows(remaining);
          });
        }, "button--secondary"),
      );
      row.append(words, buttons);
      return row;
    });
    showRows(rows);
  }

  return { show, showOpened, discard };
}
