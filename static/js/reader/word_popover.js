const GAP = 8;
const EDGE = 16;

// Show a term's definition in a popover. Without JavaScript, its link goes to the entry in "Words to know".
// Booklets have several lists; one popover, after the first list, serves all of them.
export function startWordPopover(list) {
  if (!("popover" in HTMLElement.prototype)) return;
  const card = document.createElement("div");
  card.className = "word-popover";
  card.id = "word-shown";
  card.popover = "auto";
  card.tabIndex = -1;
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-labelledby", "word-shown-name");
  card.setAttribute("aria-describedby", "word-shown-meaning");
  const name = part("p", "word-list__term", "word-shown-name");
  const meaning = part("p", "word-list__definition", "word-shown-meaning");
  const close = part("button", "button button--secondary");
  close.type = "button";
  close.textContent = list.dataset.close;
  card.append(name, meaning, close);
  // Not inside the list, because it is collapsed.
  list.after(card);

  let link;
  let inside = false;
  close.addEventListener("click", () => card.hidePopover());
  card.addEventListener("beforetoggle", () => { inside = card.contains(document.activeElement); });
  card.addEventListener("toggle", (event) => {
    // Return focus to the term only if focus was inside the popover.
    if (event.newState === "closed" && inside) link.focus({ preventScroll: true });
  });
  document.addEventListener("click", (event) => {
    const asked = event.target.closest?.("a.term");
    const entry = asked && document.getElementById(asked.hash.slice(1));
    if (!entry || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link = asked;
    name.replaceChildren(...copies(entry.querySelector("dt")));
    meaning.replaceChildren(...copies(entry.querySelector("dd")));
    card.showPopover();
    place(card, link);
    card.focus({ preventScroll: true });
  });
}

function part(tag, className, id = "") {
  const made = document.createElement(tag);
  made.className = className;
  if (id) made.id = id;
  return made;
}

const copies = (element) => [...element.cloneNode(true).childNodes];

// Below the word, or above it if there is more space; never past the edges of the window.
function place(card, link) {
  const word = link.getClientRects()[0];
  const { width, height } = card.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  const left = Math.max(EDGE, Math.min(word.left, room - width - EDGE));
  const fitsBelow = word.bottom + GAP + height <= window.innerHeight;
  const top = fitsBelow || word.top < height + GAP ? word.bottom + GAP : word.top - GAP - height;
  card.style.setProperty("--left", `${left + window.scrollX}px`);
  card.style.setProperty("--top", `${top + window.scrollY}px`);
}
