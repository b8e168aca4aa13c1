// The toolbar of Source mode.

import { all } from "./api.js";
import { wrapSelection, prefixLines } from "./insert_text.js";
import { roving } from "./roving.js";

export function startTools(editor, field, windows) {
  const tools = editor.querySelector("[data-tools]");
  const acts = {
    line: (mark) => prefixLines(field, mark),
    around: (mark) => wrapSelection(field, mark),
    choose: (name) => windows.open(name),
  };
  const act = (button) => Object.entries(button.dataset).forEach(([name, value]) => acts[name]?.(value));
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button);
  });
  all("[data-footer]", editor).forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => act(button));
  });
  roving(tools);
}
