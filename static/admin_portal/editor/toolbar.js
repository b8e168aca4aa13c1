// The toolbar: one tab stop, with arrow keys between the buttons.

import { all } from "./api.js";
import { wrapSelection, prefixLines } from "./insert_text.js";

export function startTools(editor, field, windows) {
  const tools = editor.querySelector("[data-tools]");
  const buttons = all("button", tools);
  const reach = (button) => buttons.forEach((other) => { other.tabIndex = other === button ? 0 : -1; });
  const acts = {
    line: (mark) => prefixLines(field, mark),
    around: (mark) => wrapSelection(field, mark),
    choose: (name) => windows.open(name),
  };
  const act = (button) => Object.entries(button.dataset).forEach(([name, value]) => acts[name]?.(value));
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    reach(button);
    act(button);
  });
  all("[data-footer]", editor).forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => act(button));
  });
  tools.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const index = buttons.indexOf(document.activeElement) + steps[event.key];
    const button = buttons[Math.min(Math.max(index, 0), buttons.length - 1)];
    reach(button);
    button.focus();
  });
  reach(buttons[0]);
}
