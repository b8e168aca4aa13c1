// Regions that text detection found: requested once, outlined on the picture, and covered with one click.

import { format, gettext, ngettext } from "../i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const numbers = (text) => text.trim().split(/\s+/).map(Number);
const isCovered = (row) => !row.querySelector("[data-covered]").hidden;

function setCovered(row, covered) {
  row.querySelector("[data-covered]").hidden = !covered;
  row.querySelector("button").hidden = covered;
}

export class DetectedText {
  /** ``looked``: called after a search. */
  constructor(form, rectangles, { say, looked }) {
    this.form = form;
    this.rectangles = rectangles;
    this.say = say;
    this.looked = looked;
    this.root = form.querySelector("[data-text]");
    this.svg = form.querySelector("[data-found]");
    this.root.addEventListener("click", (event) => this.onClick(event));
    if ("pending" in this.root.dataset) this.look();
    this.draw();
  }

  rows() {
    return [...this.root.querySelectorAll("[data-region]")];
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
    // Boxes may have been added during the search.
    this.looked();
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
    const chosen = this.rows().filter((row) => !isCovered(row) && (button.value === "all" || row.dataset.region === button.value));
    const added = chosen.filter((row) => this.rectangles.add("box", numbers(row.dataset.cover), key) >= 0);
    const count = added.length;
    added.forEach((row) => setCovered(row, true));
    this.draw();
    if (count < chosen.length) this.say(this.rectangles.limitMessage());
    else this.say(count === 1 ? gettext("Covered.") : format(ngettext("%(count)s area covered.", "%(count)s areas covered.", count), { count }));
    (this.root.querySelector("button:not([hidden])") ?? this.form.querySelector("[data-undo]")).focus();
  }

  /** Show which regions are covered in the result: their numbers. */
  showCovered(covered) {
    this.rows().forEach((row) => setCovered(row, covered.includes(Number(row.dataset.region))));
    this.draw();
  }

  /** Draw the outlines of the regions that are still visible. */
  draw() {
    const visible = this.rows().filter((row) => !isCovered(row));
    const outlines = visible.flatMap((row) => {
      const outline = numbers(row.dataset.outline);
      const rect = document.createElementNS(SVG, "rect");
      ["x", "y", "width", "height"].forEach((name, at) => rect.setAttribute(name, `${outline[at]}%`));
      const number = document.createElementNS(SVG, "text");
      Object.entries({ x: `${outline[0]}%`, y: `${outline[1]}%`, dy: "-6" }).forEach(([name, value]) => number.setAttribute(name, value));
      number.textContent = row.dataset.region;
      return [rect, number];
    });
    this.svg.replaceChildren(...outlines);
    const question = this.root.querySelector("[data-open-regions]");
    if (question) question.hidden = visible.length === 0;
  }
}
