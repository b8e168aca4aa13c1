// The handle next to a block: dragging it moves the block, and a click selects the block. Alt+Shift+↑ and ↓ and the buttons
// in the line below the text move it as well.

import { gettext } from "../i18n.js";
import { icon } from "./icons.js";
import { NodeSelection } from "./libraries.js";
import { moveBlockTo } from "./node_views.js";

const HOVER = matchMedia("(hover: hover)");
const MIN_DISTANCE = 5; // pixels; a smaller movement is a click
const EDGE = 48; // pixels from the top or bottom of the text, where dragging scrolls it
const SCROLL_STEP = 10; // pixels a frame

function element(className) {
  const made = Object.assign(document.createElement("div"), { className, hidden: true });
  made.setAttribute("aria-hidden", "true");
  return made;
}

// ``visible``: returns {top, bottom} of the part of the window in which text can be seen; ``say``: tells a screen reader.
export function createDragHandle(root, view, { visible, say }) {
  const { host } = root;
  const handle = element("drag-handle");
  handle.title = gettext("Drag to move. Click to select.");
  handle.append(icon("grip"));
  const line = element("drop-line");
  root.append(handle, line);
  let block; // the element of the block that the handle is next to
  let drag; // {doc, pos, startY, y, isMoving, target}

  // Return {pos, rect} of each block, in order.
  function blocks() {
    const found = [];
    view.state.doc.forEach((_node, pos) => found.push({ pos, rect: view.nodeDOM(pos).getBoundingClientRect() }));
    return found;
  }
  const placeOf = (part) => {
    let place = -1;
    view.state.doc.forEach((_node, pos) => { if (view.nodeDOM(pos) === part) place = pos; });
    return place;
  };
  const topIn = (y) => `${y - host.getBoundingClientRect().top + host.scrollTop}px`;

  function show(part = block) {
    block = part?.parentNode === view.dom && view.state.doc.childCount > 1 ? part : undefined;
    handle.hidden = !block;
    if (block) handle.style.insetBlockStart = topIn(block.getBoundingClientRect().top);
  }

  // ---- Dragging ----
  function showTarget() {
    const all = blocks();
    const at = all.findIndex(({ rect }) => drag.y < (rect.top + rect.bottom) / 2);
    const [before, after] = at < 0 ? [all.at(-1)] : [all[at - 1], all[at]];
    drag.target = after ? after.pos : view.state.doc.content.size;
    const isSame = drag.pos === drag.target || drag.pos === before?.pos;
    line.hidden = isSame;
    if (!isSame) line.style.insetBlockStart = topIn(((before ?? after).rect[before ? "bottom" : "top"] + (after ?? before).rect[after ? "top" : "bottom"]) / 2);
  }
  function scroll() {
    if (!drag?.isMoving) return;
    const { top, bottom } = visible();
    const step = drag.y < top + EDGE ? -SCROLL_STEP : drag.y > bottom - EDGE ? SCROLL_STEP : 0;
    if (step) {
      (host.scrollHeight > host.clientHeight ? host : window).scrollBy({ top: step, behavior: "instant" });
      showTarget();
    }
    requestAnimationFrame(scroll);
  }
  function select(pos) {
    view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, pos)));
    view.focus();
  }
  function end(isDropped) {
    const { doc, pos, target, isMoving } = drag;
    drag = undefined;
    line.hidden = true;
    document.removeEventListener("keydown", cancel, true);
    // A text that has changed meanwhile, such as by a merge, has other places.
    if (!isDropped || doc !== view.state.doc) return;
    const moved = isMoving ? moveBlockTo(view, pos, target) : pos;
    if (moved === undefined) return;
    select(moved);
    if (isMoving) say(gettext("Moved. Select Undo to revert."));
  }
  function cancel(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end(false);
  }
  handle.addEventListener("pointerdown", (event) => {
    const pos = placeOf(block);
    if (event.button || drag || pos < 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    drag = { doc: view.state.doc, pos, startY: event.clientY, y: event.clientY };
    document.addEventListener("keydown", cancel, true);
  });
  handle.addEventListener("pointermove", ({ clientY }) => {
    if (!drag) return;
    drag.y = clientY;
    if (!drag.isMoving && Math.abs(clientY - drag.startY) < MIN_DISTANCE) return;
    if (!drag.isMoving) {
      drag.isMoving = true;
      requestAnimationFrame(scroll);
    }
    showTarget();
  });
  handle.addEventListener("pointerup", () => { if (drag) end(true); });
  handle.addEventListener("lostpointercapture", () => { if (drag) end(false); });

  // ---- Next to which block ----
  host.addEventListener("pointermove", (event) => {
    if (drag || event.pointerType === "touch" || event.composedPath().includes(handle)) return;
    const inside = event.composedPath().find((part) => part.parentNode === view.dom);
    const isNear = (part) => event.clientY <= part.getBoundingClientRect().bottom;
    const part = inside ?? (event.composedPath()[0] === view.dom ? [...view.dom.children].find(isNear) : undefined);
    if (part !== block) show(part);
  });
  host.addEventListener("pointerleave", () => { if (!drag) show(null); });
  return {
    // After a change of the text or of the selection. Without a mouse, the handle is next to the block with the cursor.
    update({ selection: { $from } }, isUsed) {
      if (drag) return;
      show(!HOVER.matches && isUsed ? view.nodeDOM($from.depth ? $from.before(1) : $from.pos) : block);
    },
  };
}
