// The rectangles of a picture, in percent, stored in the number fields, with undo.

import { format, gettext } from "../i18n.js";
import { clamp, tidy } from "../markers/geometry.js";

const SIDES = ["left", "top", "width", "height"];
const MIN_SIZE_PERCENT = 0.5;

/** Return the text of a rectangle within the picture, with a minimum size. */
function fitted([left, top, width, height]) {
  const w = clamp(width, MIN_SIZE_PERCENT);
  const h = clamp(height, MIN_SIZE_PERCENT);
  return [clamp(left, 0, 100 - w), clamp(top, 0, 100 - h), w, h].map(tidy);
}

const inputs = (row) => SIDES.map((side) => row.querySelector(`[name$="-${side}"]`));
const read = (row) => inputs(row).map((input) => input.value.trim());
const isEmpty = (values) => values.every((value) => value === "");

export class Rectangles {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.total = root.querySelector("[name=box-TOTAL_FORMS]");
    this.limit = Number(root.querySelector("[name=box-MAX_NUM_FORMS]").value);
    this.list = root.querySelector("[data-boxes]");
    this.cutRow = root.querySelector("[data-rectangle=cut]");
    this.empty = root.querySelector("template[data-empty]");
    this.before = [];
    this.lastKey = "";
    this.fill(this.typed());
    this.now = this.typed();
    root.addEventListener("input", (event) => this.onInput(event));
    root.addEventListener("click", (event) => this.onClick(event));
  }

  /** Return the text of the fields: {cut: four strings or null, boxes: lists of four strings}. */
  typed() {
    const rows = [...this.list.querySelectorAll("[data-rectangle]")].map(read).filter((values) => !isEmpty(values));
    const cut = read(this.cutRow);
    return { cut: isEmpty(cut) ? null : cut, boxes: rows };
  }

  /** Return the complete rectangles, for drawing: [kind, index, numbers]. */
  whole() {
    const { cut, boxes } = this.now;
    const all = boxes.map((values, index) => ["box", index, values]);
    if (cut) all.push(["cut", 0, cut]);
    return all.filter(([, , values]) => values.every((value) => value !== "" && Number.isFinite(Number(value))))
      .map(([kind, index, values]) => [kind, index, values.map(Number)]);
  }

  get(kind, index) {
    return (kind === "cut" ? this.now.cut : this.now.boxes[index]).map(Number);
  }

  /** Record the state for undo. Changes with the same key (one drag, one run of arrow keys) are one step. */
  remember(key = "") {
    if (key && key === this.lastKey) return;
    this.before.push(JSON.stringify(this.now));
    this.lastKey = key;
  }

  set(kind, index, numbers, key) {
    this.remember(key);
    const values = fitted(numbers);
    if (kind === "cut") this.now.cut = values;
    else this.now.boxes[index] = values;
    this.fill(this.now);
    this.changed();
  }

  /** Add a rectangle and return its index, or -1 if the limit is reached. */
  add(kind, numbers, key = "") {
    if (kind === "box" && this.now.boxes.length >= this.limit) return -1;
    const index = kind === "cut" ? 0 : this.now.boxes.length;
    this.set(kind, index, numbers, key);
    return index;
  }

  limitMessage() {
    return format(gettext("You already have %(count)s boxes. Crop the picture instead."), { count: this.limit });
  }

  remove(kind, index) {
    this.remember();
    if (kind === "cut") this.now.cut = null;
    else this.now.boxes.splice(index, 1);
    this.fill(this.now);
    this.changed();
  }

  undo() {
    const before = this.before.pop();
    if (!before) return;
    this.now = JSON.parse(before);
    this.lastKey = "";
    this.fill(this.now);
    this.changed();
  }

  /** Write the state into the fields. Existing fields stay, so that the focus is not lost. */
  fill({ cut, boxes }) {
    const rows = [...this.list.querySelectorAll("[data-rectangle]")];
    rows.slice(boxes.length).forEach((row) => row.remove());
    while (this.list.children.length < boxes.length) this.list.append(this.row(this.list.children.length));
    boxes.forEach((values, index) => this.write(this.list.children[index], values, format(gettext("Black box %(number)s"), { number: index + 1 })));
    this.write(this.cutRow, cut ?? ["", "", "", ""], gettext("Crop area (empty: all of it)"));
    this.cutRow.querySelector("[data-remove]").hidden = !cut;
    this.total.value = boxes.length;
  }

  row(index) {
    const fragment = this.empty.content.cloneNode(true);
    for (const element of fragment.querySelectorAll("[name], [id], [for]")) {
      for (const name of ["name", "id", "for"]) {
        const value = element.getAttribute(name);
        if (value) element.setAttribute(name, value.replace("__prefix__", index));
      }
    }
    return fragment;
  }

  write(row, values, name) {
    row.querySelector("legend").textContent = name;
    row.querySelector("[data-remove]").hidden = false;
    row.querySelector("[data-remove]").setAttribute("aria-label", format(gettext("Remove: %(name)s"), { name }));
    inputs(row).forEach((input, place) => {
      if (input.value.trim() !== values[place]) input.value = values[place];
    });
  }

  onInput(event) {
    if (!event.target.closest("[data-rectangle]")) return;
    this.remember(`field ${event.target.name}`);
    const rows = [...this.list.querySelectorAll("[data-rectangle]")].map(read);
    const cut = read(this.cutRow);
    this.now = { cut: isEmpty(cut) ? null : cut, boxes: rows };
    this.changed();
  }

  onClick(event) {
    const row = event.target.closest("[data-remove]")?.closest("[data-rectangle]");
    if (!row) return;
    const kind = row.dataset.rectangle;
    const index = [...this.list.children].indexOf(row);
    this.remove(kind, index);
    const next = this.list.children[Math.min(index, this.list.children.length - 1)] ?? this.cutRow;
    next.querySelector("input").focus();
  }
}
