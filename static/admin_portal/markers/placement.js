// Placing a marker: with a crosshair moved by arrow keys, by a click or tap, or by dragging.

import { format, gettext } from "../i18n.js";
import { clamp, cornersOf, isCorner, placeOf, putAt, roomFor, tidy, withCorner, withoutCorner } from "./geometry.js";
import { isWide } from "./rows.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = gettext("Arrow keys move it by 1 pixel, with Shift by 10. Enter places it here, Esc cancels.");
const PLACE = {
  disc: gettext("Click or tap where the number goes. Or use the keyboard: %(keys)s"),
  target: gettext("Click or tap what it points to. Or use the keyboard: %(keys)s"),
  size: gettext("Click or tap the corner of the shape. Or use the keyboard: %(keys)s"),
  corner: gettext("Click or tap where the corner goes. Or use the keyboard: %(keys)s"),
  new: gettext("Click or tap what each new marker shows. Choose Done when you have added all. Or use the keyboard: %(keys)s"),
};
const MIN_CORNERS = 3;
const ARROWS_MOVE = {
  disc: gettext("Use the arrow keys to move the number of marker %(number)s. Ctrl+Z undoes the last step."),
  target: gettext("Use the arrow keys to move the pointer of marker %(number)s. Ctrl+Z undoes the last step."),
  size: gettext("Use the arrow keys to resize the shape of marker %(number)s. Ctrl+Z undoes the last step."),
  corner: gettext("Use the arrow keys to move a corner of the shape of marker %(number)s. Ctrl+Z undoes the last step."),
};
const ANNOUNCE_DELAY_MS = 500;
const MIN_DRAG_PIXELS = 4;
const MAX_TAP_PIXELS = 16; // a finger moves less during a tap

export function startPlacement(root, { rows, canvas, draw, commit, say, zoom }) {
  const box = canvas.box;
  const hintText = root.querySelector("[data-hint]");
  const guide = root.querySelector("[data-placing]");
  const tools = root.querySelector("[data-tools]");
  const [addButton, hereButton, cancelButton] = ["add", "here", "leave"].map((name) => root.querySelector(`[data-do=${name}]`));
  let placing = null; // {part, row, from: the button that started it, spot}
  let dragged = null; // {part, row, isGrip, startX, startY, before: its values, moved}
  let released = null; // the same between pointerup and click
  let part = "disc"; // the part of the selected marker that arrow keys move
  let timer = 0;

  // Corners are text already.
  const asText = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name === "outline" ? value : tidy(value)]));
  const sayPosition = (text, { x, y }) => say(format(text, { x: tidy(x), y: tidy(y) }));
  const CROSS_AT = gettext("Crosshair: %(x)s% from the left, %(y)s% from the top.");
  const kindOf = (name) => (isCorner(name) ? "corner" : name);
  const debounce = (act) => { clearTimeout(timer); timer = setTimeout(act, ANNOUNCE_DELAY_MS); };

  function put(row, name, at) {
    rows.write(row, asText(putAt(rows.read(row), name, at)));
    draw();
  }

  function spotOf(event) {
    const area = box.getBoundingClientRect();
    return { x: clamp(((event.clientX - area.left) / area.width) * 100), y: clamp(((event.clientY - area.top) / area.height) * 100) };
  }

  function begin(name, row, from) {
    stopPlacing();
    placing = { part: name, row, from, spot: row ? placeOf(rows.read(row), name) : { x: 50, y: 50 }, added: [] };
    if (row) rows.choose(row);
    box.classList.add("is-placing");
    from.setAttribute("aria-pressed", "true");
    hintText.textContent = format(PLACE[kindOf(name)], { keys: KEYS });
    hereButton.textContent = row ? gettext("Place it here") : gettext("Place marker here");
    cancelButton.textContent = row ? gettext("Cancel") : gettext("Done");
    zoom.reveal(placing.spot);
    guide.hidden = false;
    canvas.point(placing.spot);
    draw();
    box.focus({ preventScroll: false });
    sayPosition(CROSS_AT, placing.spot);
  }

  function stopPlacing() {
    if (!placing) return;
    placing.from.setAttribute("aria-pressed", "false");
    placing = null;
    box.classList.remove("is-placing");
    guide.hidden = true;
    canvas.point(null);
  }

  // End the mode. After markers were added, continue with the label of the first one.
  function cancelPlacing() {
    const { from, added } = placing;
    stopPlacing();
    const first = added.find((row) => row.isConnected);
    if (first) { rows.choose(first); draw(); rows.focusLabel(first); return; }
    (from.isConnected ? from : addButton).focus();
    say(gettext("Canceled."));
  }

  function placeAt(at) {
    const { part: name, row, from } = placing;
    if (!row) { addAt(at); return; }
    stopPlacing();
    // Undo or Delete has removed the marker since.
    if (!row.isConnected) { addButton.focus(); say(gettext("This marker was deleted.")); return; }
    put(row, name, at);
    commit();
    sayPosition(gettext("Placed at %(x)s% from the left, %(y)s% from the top."), at);
    from.focus();
  }

  function addAt(target) {
    const place = roomFor(target, rows.all().map(rows.read), rows.aspect);
    const row = rows.add({ shape: "point", ...asText({ x: place.x, y: place.y, target_x: target.x, target_y: target.y }) });
    part = "disc";
    commit();
    placing.added.push(row);
    placing.spot = target;
    canvas.point(target);
    say(format(gettext("Marker %(number)s added. Add another one, or choose Done to enter the labels."), { number: rows.all().length }));
  }

  function changeCorners(row, isAdding) {
    const mark = rows.read(row);
    const count = cornersOf(mark).length;
    if (isAdding && count < 2) return;
    if (!isAdding && count <= MIN_CORNERS) { say(format(gettext("A free shape needs at least %(count)s corners."), { count: MIN_CORNERS })); return; }
    rows.choose(row);
    if (isAdding) {
      const { outline, index } = withCorner(mark, rows.aspect);
      rows.write(row, { outline });
      part = `corner-${index}`;
    } else {
      const index = isCorner(part) ? Number(part.slice(7)) : count - 1;
      rows.write(row, { outline: withoutCorner(mark, Math.min(index, count - 1)) });
      part = "target";
    }
    commit();
    say(format(gettext("The shape has %(count)s corners."), { count: count + (isAdding ? 1 : -1) }));
  }

  function moveByKey(event) {
    const [right, down] = ARROWS[event.key];
    const area = box.getBoundingClientRect();
    const pixels = event.shiftKey ? 10 : 1;
    const moved = ({ x, y }) => ({ x: clamp(x + (right * pixels * 100) / area.width), y: clamp(y + (down * pixels * 100) / area.height) });
    if (placing) {
      placing.spot = moved(placing.spot);
      canvas.point(placing.spot);
      zoom.reveal(placing.spot);
      debounce(() => placing && sayPosition(CROSS_AT, placing.spot));
      return;
    }
    const row = rows.chosen();
    if (!row) return;
    put(row, part, moved(placeOf(rows.read(row), part)));
    zoom.reveal(placeOf(rows.read(row), part));
    debounce(() => {
      commit();
      if (row.isConnected) sayPosition(gettext("%(x)s% from the left, %(y)s% from the top."), placeOf(rows.read(row), part));
    });
  }

  function onKeyDown(event) {
    const command = event.ctrlKey || event.metaKey;
    if (ARROWS[event.key] && !command && !event.altKey) moveByKey(event);
    else if (event.key === "Enter" && placing) placeAt(placing.spot);
    else if (event.key === "Escape" && dragged?.moved) cancelDrag();
    else if (event.key === "Escape" && placing) cancelPlacing();
    else return;
    event.preventDefault();
  }

  function startDrag(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    released = null;
    const held = placing ? null : event.target.closest("[data-index]");
    dragged = {
      row: held ? rows.all()[held.dataset.index] : null,
      part: event.target.closest("[data-grip]")?.dataset.grip ?? "disc",
      isGrip: event.target.closest("[data-grip]") !== null,
      startX: event.clientX, startY: event.clientY, moved: false,
    };
    if (!dragged.row) {
      // A finger pans by scrolling; a mouse pans by dragging.
      if (event.pointerType === "mouse" && zoom.isZoomed()) box.setPointerCapture(event.pointerId);
      return;
    }
    commit();
    dragged.before = rows.read(dragged.row);
    part = dragged.part;
    rows.choose(dragged.row);
    draw();
    box.setPointerCapture(event.pointerId);
  }

  function drag(event) {
    if (!dragged || !event.isPrimary) return;
    if (!dragged.row && zoom.isZoomed() && event.pointerType === "mouse") { zoom.pan(event.movementX, event.movementY); return; }
    if (!dragged.row || !dragged.isGrip) return;
    dragged.moved ||= Math.hypot(event.clientX - dragged.startX, event.clientY - dragged.startY) > MIN_DRAG_PIXELS;
    if (dragged.moved) put(dragged.row, dragged.part, spotOf(event));
  }

  // No click may follow, so the drag ends here.
  function drop(event) {
    if (!event.isPrimary) return;
    released = dragged;
    dragged = null;
    if (released?.moved) commit();
  }

  // Cancel the drag and restore the position before it.
  function cancelDrag() {
    const { row, before, moved } = dragged;
    dragged = null;
    if (!moved) return;
    rows.write(row, before);
    draw();
    say(gettext("Canceled."));
  }

  // While placing, a click sets the position. Otherwise it only selects.
  function onClick(event) {
    const held = released;
    released = null;
    if (!placing || event.detail > 1) return; // the second click of a double-click adds no second marker
    // Assistive technology clicks without pointer events.
    if (held && Math.hypot(event.clientX - held.startX, event.clientY - held.startY) > MAX_TAP_PIXELS) {
      if (!zoom.isZoomed()) say(gettext("You dragged instead of clicking. Click or tap without moving."));
    } else placeAt(spotOf(event));
  }

  Object.entries({ keydown: onKeyDown, pointerdown: startDrag, pointermove: drag, pointerup: drop, click: onClick })
    .forEach(([name, act]) => box.addEventListener(name, act));
  box.addEventListener("pointercancel", () => { if (dragged) cancelDrag(); });
  box.addEventListener("focus", () => {
    const index = rows.indexOfChosen();
    if (!placing && index >= 0) say(format(ARROWS_MOVE[kindOf(part)], { number: index + 1 }));
  });
  const toggle = (name, row, button) => { if (placing?.from === button) cancelPlacing(); else begin(name, row, button); };
  addButton.addEventListener("click", () => toggle("new", null, addButton));
  hereButton.addEventListener("click", () => placeAt(placing.spot));
  cancelButton.addEventListener("click", cancelPlacing);
  root.querySelector("[data-rows]").addEventListener("click", (event) => {
    const corners = event.target.closest("[data-do=corner-add], [data-do=corner-remove]");
    if (corners) { changeCorners(corners.closest("[data-row]"), corners.dataset.do === "corner-add"); return; }
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const row = button.closest("[data-row]");
    part = button.dataset.move;
    if (part !== "size" || isWide(rows.read(row).shape)) toggle(part, row, button);
  });
  // Escape cancels from anywhere on the page.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && placing && !event.defaultPrevented) cancelPlacing();
  });
  // On a narrow screen the picture is sticky, so keep focused fields from being covered by it.
  const picture = box.closest(".marker-editor__picture");
  const stage = picture.querySelector("[data-frame]");
  new ResizeObserver(() => {
    const first = guide.hidden || getComputedStyle(guide).position === "fixed" ? stage : guide;
    const hidden = first.getBoundingClientRect().top - picture.getBoundingClientRect().top;
    root.style.setProperty("--above", `${hidden}px`);
    root.style.setProperty("--covered", `${picture.offsetHeight - hidden}px`);
  }).observe(picture);
  root.querySelector("[data-rows]").addEventListener("focusin", (event) => event.target.scrollIntoView({ block: "nearest" }));
  stage.style.setProperty("--aspect", `${rows.aspect}`);
  Object.entries({
    tabindex: "0", role: "application", "aria-label": gettext("Picture with its markers"), "aria-describedby": "marks-hint",
  }).forEach(([name, value]) => box.setAttribute(name, value));
  tools.hidden = false;
}
