// Links each review comment to its line in the Markdown field.

import { goToLine } from "./editor/insert_text.js";

const field = document.getElementById("id_body");

if (field && !field.disabled) {
  document.querySelectorAll("[data-remark-line]").forEach((item) => {
    const label = item.querySelector("[data-go]");
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "line-button", textContent: label.textContent });
    button.addEventListener("click", () => goToLine(field, Number(item.dataset.remarkLine)));
    label.replaceWith(button);
  });
}
