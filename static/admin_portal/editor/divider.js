// The line between text and page: moved by mouse or arrow keys, and remembered in this browser.

const NAME = "plainspine:split";
const STEP = 2; // per cent
const [LEAST, MOST] = [30, 70];

export function startDivider(editor) {
  const line = editor.querySelector("[data-split]");
  const put = (wanted) => {
    const share = Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
    line.setAttribute("aria-valuenow", String(share));
    editor.style.setProperty("--split", `${share}fr`);
    editor.style.setProperty("--rest", `${100 - share}fr`);
    try { localStorage.setItem(NAME, String(share)); } catch { /* then it is not remembered */ }
  };
  const now = () => Number(line.getAttribute("aria-valuenow"));
  line.addEventListener("keydown", (event) => {
    const wanted = { ArrowLeft: now() - STEP, ArrowRight: now() + STEP, Home: LEAST, End: MOST }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    put(wanted);
  });
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    event.preventDefault();
    line.focus();
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, width } = editor.getBoundingClientRect();
    put((100 * (event.clientX - left)) / width);
  });
  line.addEventListener("dblclick", () => put(50));
  let share = 50;
  try { share = Number(localStorage.getItem(NAME)) || 50; } catch { /* the default */ }
  put(share);
  line.hidden = false;
}
