// Saving loads the page again. This puts the caret and the text where they were.

const NAME = "plainspine:place";
const MAX_AGE_MS = 60_000; // a slower save is as good as a new visit
const SETTLE_MS = 2000; // while blocks load and grow

function stored() {
  try {
    const place = JSON.parse(sessionStorage.getItem(NAME));
    sessionStorage.removeItem(NAME);
    return place && Date.now() - place.at < MAX_AGE_MS ? place : undefined;
  } catch {
    return undefined;
  }
}

function store(place) {
  try { sessionStorage.setItem(NAME, JSON.stringify(place)); } catch { /* storage is full or disabled */ }
}

// Scroll, and again whenever the text grows, until the user does something.
function holdScroll(box, top) {
  const content = box.shadowRoot?.lastElementChild ?? box;
  const scroll = () => { box.scrollTop = top; };
  const observer = new ResizeObserver(scroll);
  const stop = () => observer.disconnect();
  observer.observe(content);
  scroll();
  setTimeout(stop, SETTLE_MS);
  ["wheel", "pointerdown", "keydown", "touchstart"].forEach((kind) => addEventListener(kind, stop, { once: true, passive: true, capture: true }));
}

// ``text``: the function of text.js.
export function startPlace(editor, form, field, text) {
  const page = form.elements.page?.value ?? "";
  const isText = (element) => element === field || element === text().scroller();
  let last; // what had the focus before the button that saves
  form.addEventListener("focusin", ({ target }) => { if (isText(target) || target.matches("input, textarea, select")) last = target; });
  form.addEventListener("submit", () => {
    store({
      at: Date.now(), page, caret: text().caret(), top: text().scroller().scrollTop, windowTop: scrollY,
      focus: last && (isText(last) ? "text" : last.name), selection: [last?.selectionStart, last?.selectionEnd],
    });
  });
  const place = stored();
  // A new page has no key yet when it is saved. A form with errors begins with them.
  if (!place || (place.page && place.page !== page) || form.querySelector(".errornote")) return;
  editor.addEventListener("editor:ready", () => {
    const isUntouched = document.activeElement === document.body;
    // With the focus in the text, a screen reader may not get to the message at the top.
    editor.querySelector("[data-live]").textContent = document.querySelector(".messagelist")?.textContent.trim() ?? "";
    if (isUntouched && place.focus === "text") text().setCaret(place.caret);
    else if (isUntouched && place.focus) {
      const input = form.elements[place.focus];
      input?.focus?.({ preventScroll: true });
      if (typeof place.selection[0] === "number" && input?.setSelectionRange) input.setSelectionRange(...place.selection);
    }
    holdScroll(text().scroller(), place.top);
    scrollTo(0, place.windowTop);
  }, { once: true });
}
