// Undo and redo with snapshots of the form. Replaces the browser's undo, which covers only typed text and, after a
// marker is deleted, would undo typing in another one.

import { gettext } from "../i18n.js";
import { leaveForNextPage, takeFromLastPage } from "../user_storage.js";

const MAX_STEPS = 200;
const NAME = "markers"; // from a rejected save to the page that shows its errors

export function startHistory(root, { now, restore, adopt, say }) {
  const buttons = { undo: root.querySelector("[data-do=undo]"), redo: root.querySelector("[data-do=redo]") };
  const past = [];
  const future = [];
  let current = now();

  function show() {
    // Disabling the focused button would lose the focus.
    for (const [name, states] of [["undo", past], ["redo", future]]) {
      buttons[name].disabled = states.length === 0 && document.activeElement !== buttons[name];
    }
  }

  function commit() {
    const state = now();
    if (state === current) return false;
    past.push(current);
    if (past.length > MAX_STEPS) past.shift();
    future.length = 0;
    current = state;
    show();
    return true;
  }

  function moveState(from, to, done, none) {
    commit();
    if (from.length === 0) { say(none); show(); return; }
    to.push(current);
    current = from.pop();
    restore(current);
    show();
    say(done);
  }

  const undo = () => moveState(past, future, gettext("Undone."), gettext("There is nothing to undo."));
  const redo = () => moveState(future, past, gettext("Redone."), gettext("There is nothing to redo."));

  function onKeyDown(event) {
    const key = event.key.toLowerCase();
    const isElsewhere = !root.contains(event.target) && event.target !== document.body;
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || isElsewhere || !"zy".includes(key)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) redo(); else undo();
  }

  // A rejected save returns a new page; keep the steps so that they can still be undone there.
  function keep() {
    commit();
    leaveForNextPage(NAME, { page: location.pathname, past, current, future });
  }

  function takeKept() {
    const kept = takeFromLastPage(NAME);
    if (!kept || kept.page !== location.pathname || !root.querySelector("[data-unsaved]")) return;
    if (!adopt(JSON.parse(kept.current))) return;
    current = now();
    past.push(...kept.past);
    future.push(...kept.future);
  }

  takeKept();
  document.addEventListener("keydown", onKeyDown);
  // Undo from a menu, or by shaking a phone.
  root.addEventListener("beforeinput", (event) => {
    if (!/^history/.test(event.inputType)) return;
    event.preventDefault();
    if (event.inputType === "historyUndo") undo(); else redo();
  });
  buttons.undo.addEventListener("click", undo);
  buttons.redo.addEventListener("click", redo);
  Object.values(buttons).forEach((button) => button.addEventListener("blur", show));
  show();
  return { commit, keep };
}
