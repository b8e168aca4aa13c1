// A double click must not press the button that has taken the place of the first one, such as "Delete column" where "Table"
// was, or insert the same block twice.

const DOUBLE_CLICK_MS = 500;
const SAME_PLACE_PX = 6;

// Buttons with data-once ignore a second click, too. Keys are not affected.
export function startClickGuard() {
  let last = { at: -Infinity };
  document.addEventListener("click", (event) => {
    if (!event.pointerType) return; // a key, or a label that passes its click on
    const control = event.composedPath().find((element) => element.matches?.("button, summary, a, label"));
    const isSecond = event.timeStamp - last.at < DOUBLE_CLICK_MS
      && Math.hypot(event.clientX - last.x, event.clientY - last.y) < SAME_PLACE_PX;
    if (isSecond && control && last.control && (control !== last.control || "once" in control.dataset)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    last = { at: event.timeStamp, x: event.clientX, y: event.clientY, control };
  }, true);
}
