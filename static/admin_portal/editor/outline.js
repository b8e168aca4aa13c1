// The outline: headings of the text, with links to their lines.

import { readHeading } from "./markup.js";

export function startOutline(editor, field, goToLine) {
  const box = editor.querySelector("[data-outline]");
  let shown = "";
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    box.querySelector("summary").focus();
  });
  return () => {
    const headings = field.value.split("\n").flatMap((line, at) => {
      const heading = readHeading(line);
      return heading ? [{ line: at + 1, ...heading }] : [];
    });
    box.hidden = headings.length === 0;
    const now = JSON.stringify(headings);
    if (now === shown) return;
    shown = now;
    box.querySelector("ol").replaceChildren(...headings.map(({ line, level, title }) => {
      const item = Object.assign(document.createElement("li"), { className: `outline--${level}` });
      const button = Object.assign(document.createElement("button"), { type: "button", className: "line-button", textContent: title });
      button.addEventListener("click", () => {
        box.open = false;
        goToLine(line);
      });
      item.append(button);
      return item;
    }));
  };
}
