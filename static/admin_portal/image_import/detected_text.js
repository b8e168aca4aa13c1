// Regions that text detection found: requested once, outlined on the picture, and covered with one click.

import { format, gettext, ngettext } from "../i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const numbers = (text) => text.trim().split(/\s+/).map(Number);
// A region counts as covered if the boxes cover a grid of this many points in each direction.
const GRID = 24;

function isCovered([left, top, width, height], rectangles) {
  const inside = (x, y, [l, t, w, h]) => x >= l && x <= l + w && y >= t && y <= t + h;
  const boxes = rectangles.whole().filter(([kind]) => kind === "box").map(([, , box]) => box);
  const cut = rectangles.whole().find(([kind]) => kind === "cut")?.[2];
  let uncovered = 0;
  for (let row = 0; row < GRID; row += 1) {
    for (let column = 0; column < GRID; column += 1) {
      const x = left + (width * (column + 0.5)) / GRID;
      const y = top + (height * (row + 0.5)) / GRID;
      if ((!cut || inside(x, y, cut)) && !boxes.some((box) => inside(x, y, box))) uncovered += 1;
    }
  }
  return uncovered <= 0.02 * GRID * GRID;
}

export class DetectedText {
  constructor(form, rectangles, say) {
    this.form = form;
    this.rectangles = rectangles;
    this.say = say;
    this.root = form.querySelector("[data-text]");
    this.svg = form.querySelector("[data-found]");
    this.root.addEventListener("click", (event) => this.onClick(event));
    if ("pending" in this.root.dataset) this.look();
    this.draw();
  }

  places() {
    return [...this.root.querySelectorAll("[data-region]")].map((row) => ({ row, outline: numbers(row.dataset.outline), cover: numbers(row.dataset.cover) }));
  }

  async look(again = false) {
    const body = new FormData(this.form);
    if (again) body.set("again", "yes");
    this.root.textContent = gettext("Looking for text…");
    try {
      const response = await fetch(this.form.dataset.textAddress, { method: "POST", body, redirect: "error" });
      if (response.headers.get("Content-Type")?.startsWith("application/json")) {
        this.root.textContent = (await response.json()).error;
      } else if (response.ok) {
        const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
        this.root.replaceChildren(...parsed.body.children);
      } else throw new Error(String(response.status));
    } catch {
      this.root.textContent = gettext(
        "Text detection isn’t responding. Check the whole picture yourself. It will run again when you save.",
      );
    }
    this.draw();
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    event.preventDefault();
    if (button.name === "find") {
      this.look(true);
      return;
    }
    const key = `cover ${event.timeStamp}`;
    const chosen = this.places().filter(({ row }) => button.value === "all" || row.dataset.region === button.value);
    const uncovered = chosen.filter(({ outline }) => !isCovered(outline, this.rectangles));
    const added = uncovered.map(({ cover }) => this.rectangles.add("box", cover, key));
    const count = added.length;
    if (added.includes(-1)) this.say(gettext("You already have 50 boxes. Crop the picture instead."));
    else this.say(count === 1 ? gettext("Covered.") : format(ngettext("%(count)s area covered.", "%(count)s areas covered.", count), { count }));
    (this.root.querySelector("button:not([hidden])") ?? this.form.querySelector("[data-undo]")).focus();
  }

  /** Draw the outlines, and update the buttons, of the regions that are still visible. */
  draw() {
    const outlines = [];
    let uncovered = 0;
    for (const { row, outline } of this.places()) {
      const covered = isCovered(outline, this.rectangles);
      row.querySelector("[data-covered]").hidden = !covered;
      row.querySelector("button").hidden = covered;
      if (covered) continue;
      uncovered += 1;
      const rect = document.createElementNS(SVG, "rect");
      ["x", "y", "width", "height"].forEach((name, at) => rect.setAttribute(name, `${outline[at]}%`));
      const number = document.createElementNS(SVG, "text");
      Object.entries({ x: `${outline[0]}%`, y: `${outline[1]}%`, dy: "-6" }).forEach(([name, value]) => number.setAttribute(name, value));
      number.textContent = row.dataset.region;
      outlines.push(rect, number);
    }
    this.svg.replaceChildren(...outlines);
    const question = this.root.querySelector("[data-open-regions]");
    if (question) question.hidden = uncovered === 0;
  }
}
