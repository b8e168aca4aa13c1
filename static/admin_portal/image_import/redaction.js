// Rectangles on the picture: drawn, moved, and resized by mouse, touch, or keyboard.

import { format, gettext } from "../i18n.js";
import { clamp } from "../markers/geometry.js";

const SVG = "http://www.w3.org/2000/svg";
const MIN_DRAG_PERCENT = 1; // a shorter one is a click

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const area = ([x, y, width, height]) => ({ x: `${x}%`, y: `${y}%`, width: `${width}%`, height: `${height}%` });

export class RedactionCanvas {
  constructor(marks, rectangles, { picked, help }) {
    this.marks = marks;
    this.rectangles = rectangles;
    this.picked = picked;
    this.help = help;
    this.drag = null;
    marks.addEventListener("pointerdown", (event) => this.begin(event));
    marks.addEventListener("pointermove", (event) => this.move(event));
    marks.addEventListener("pointerup", () => this.end());
    marks.addEventListener("pointercancel", () => this.end());
    marks.addEventListener("keydown", (event) => this.key(event));
  }

  draw() {
    const held = document.activeElement?.closest?.("[data-kind]");
    const place = held && this.marks.contains(held) ? [held.dataset.kind, held.dataset.index] : null;
    this.marks.replaceChildren(...this.rectangles.whole().flatMap(([kind, index, numbers]) => this.shapes(kind, index, numbers)));
    if (place) this.focus(...place);
  }

  shapes(kind, index, numbers) {
    const [x, y, width, height] = numbers;
    const shapes = [];
    if (kind === "cut") {
      const outside = [[0, 0, 100, y], [0, y + height, 100, 100 - y - height], [0, y, x, height], [x + width, y, 100 - x - width, height]];
      shapes.push(...outside.filter((part) => part[2] > 0 && part[3] > 0).map((part) => shape("rect", { class: "redaction__outside", ...area(part) })));
    }
    const name = kind === "cut" ? gettext("Crop area") : format(gettext("Black box %(number)s"), { number: index + 1 });
    const text = gettext("%(name)s: %(x)s% from the left, %(y)s% from the top, %(width)s% wide, %(height)s% high");
    const label = format(text, { name, x, y, width, height });
    const held = { class: `redaction__${kind}`, tabindex: 0, role: "button", "aria-label": label, "aria-describedby": this.help, "data-kind": kind, "data-index": index };
    shapes.push(shape("rect", { ...held, ...area(numbers) }));
    shapes.push(shape("circle", { class: "redaction__handle", cx: `${x + width}%`, cy: `${y + height}%`, r: 9, "data-corner": kind, "data-index": index }));
    return shapes;
  }

  focus(kind, index) {
    this.marks.querySelector(`[data-kind="${kind}"][data-index="${index}"]`)?.focus();
  }

  at(event) {
    const box = this.marks.getBoundingClientRect();
    return [clamp((100 * (event.clientX - box.left)) / box.width), clamp((100 * (event.clientY - box.top)) / box.height)];
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const from = this.at(event);
    const { kind, corner, index } = event.target.dataset;
    const held = kind ?? corner;
    const key = `drag ${event.timeStamp}`;
    this.drag = held
      ? { how: kind ? "move" : "size", kind: held, index: Number(index), start: this.rectangles.get(held, Number(index)), from, key }
      : { how: "new", kind: this.picked(), index: -1, from, key };
    this.marks.setPointerCapture(event.pointerId);
    if (kind) this.focus(kind, index);
  }

  move(event) {
    if (!this.drag) return;
    const { how, kind, start, from, key } = this.drag;
    const [x, y] = this.at(event);
    const [dx, dy] = [x - from[0], y - from[1]];
    if (how === "move") this.rectangles.set(kind, this.drag.index, [start[0] + dx, start[1] + dy, start[2], start[3]], key);
    else if (how === "size") this.rectangles.set(kind, this.drag.index, [start[0], start[1], Math.min(start[2] + dx, 100 - start[0]), Math.min(start[3] + dy, 100 - start[1])], key);
    else if (Math.abs(dx) > MIN_DRAG_PERCENT && Math.abs(dy) > MIN_DRAG_PERCENT) {
      const drawn = [Math.min(x, from[0]), Math.min(y, from[1]), Math.abs(dx), Math.abs(dy)];
      if (this.drag.index < 0) this.drag.index = this.rectangles.add(kind, drawn, key);
      else this.rectangles.set(kind, this.drag.index, drawn, key);
    }
  }

  end() {
    if (this.drag?.index >= 0) this.focus(this.drag.kind, this.drag.index);
    this.drag = null;
  }

  key(event) {
    const { kind, index } = event.target.dataset;
    if (!kind) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.rectangles.remove(kind, Number(index));
      (this.marks.querySelector("[data-kind]") ?? document.querySelector("[data-add=box]")).focus();
    } else if (step) {
      event.preventDefault();
      const pixels = event.shiftKey ? 10 : 1;
      // One pixel of the picture, regardless of its size on the screen.
      const [dx, dy] = [(step[0] * pixels * 100) / this.marks.width.baseVal.value, (step[1] * pixels * 100) / this.marks.height.baseVal.value];
      const [x, y, width, height] = this.rectangles.get(kind, Number(index));
      const next = event.altKey ? [x, y, Math.min(width + dx, 100 - x), Math.min(height + dy, 100 - y)] : [x + dx, y + dy, width, height];
      this.rectangles.set(kind, Number(index), next, `keys ${kind} ${index}`);
    }
  }
}
