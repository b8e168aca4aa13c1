// What a reviewer said at a paragraph leads to that paragraph in the Markdown field.

const field = document.getElementById("id_body");

function goTo(line) {
  const lines = field.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  // A browser scrolls to the caret only when somebody types: the share of the text above is near enough.
  field.scrollTop = field.scrollHeight * (start / Math.max(field.value.length, 1)) - field.clientHeight / 3;
  field.scrollIntoView({ block: "nearest" });
}

if (field && !field.disabled) {
  document.querySelectorAll("[data-remark-line]").forEach((item) => {
    const place = item.querySelector("[data-go]");
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "line-button", textContent: place.textContent });
    button.addEventListener("click", () => goTo(Number(item.dataset.remarkLine)));
    place.replaceWith(button);
  });
}
