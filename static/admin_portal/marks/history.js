// Undo and redo: whole states of the form as texts.

const MOST = 200;

export function startHistory(root, { now, restore, say }) {
  const buttons = { undo: root.querySelector("[data-do=undo]"), redo: root.querySelector("[data-do=redo]") };
  const past = [];
  const future = [];
  let current = now();

  function show() {
    // A button that has the focus is not disabled under it: the focus would be lost.
    for (const [name, states] of [["undo", past], ["redo", future]]) {
      buttons[name].disabled = states.length === 0 && document.activeElement !== buttons[name];
    }
  }

  function commit() {
    const state = now();
    if (state === current) return false;
    past.push(current);
    if (past.length > MOST) past.shift();
    future.length = 0;
    current = state;
    show();
    return true;
  }

  function go(from, to, done, none) {
    commit();
    if (from.length === 0) { say(none); show(); return; }
    to.push(current);
    current = from.pop();
    restore(current);
    show();
    say(done);
  }

  const undo = () => go(past, future, "Undone.", "There is nothing to undo.");
  const redo = () => go(future, past, "Done again.", "There is nothing to do again.");
  buttons.undo.addEventListener("click", undo);
  buttons.redo.addEventListener("click", redo);
  Object.values(buttons).forEach((button) => button.addEventListener("blur", show));
  return { commit, undo, redo };
}
