// Merge conflicts: each choice is applied to the text at once, and can be undone there.

import { all } from "./api.js";
import { replaceAt } from "./insert_text.js";

function find(value, before, words) {
  const at = value.indexOf(before + words);
  if (at >= 0) return at + before.length;
  const alone = words ? value.indexOf(words) : -1;
  // Only a unique match is safe.
  return alone >= 0 && value.indexOf(words, alone + 1) < 0 ? alone : -1;
}

export function startMerge(form) {
  all("[data-place]", form).forEach((place) => {
    const { field, mine, theirs, before } = place.dataset;
    const input = form.elements[field];
    const texts = { mine, theirs, both: mine + (mine.endsWith("\n") || theirs.startsWith("\n") ? "" : " ") + theirs };
    const said = place.querySelector("[data-message]");
    let now = mine;
    place.addEventListener("change", (event) => {
      const wanted = texts[event.target.value];
      if (wanted === undefined || !input) return;
      if (place.dataset.whole !== undefined) {
        input.value = wanted;
      } else {
        const at = find(input.value.replaceAll("\r\n", "\n"), before, now);
        said.hidden = at >= 0;
        if (at < 0) return;
        replaceAt(input, at, at + now.length, wanted);
        event.target.focus();
      }
      now = wanted;
      form.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
}
