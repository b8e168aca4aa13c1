// The markers over the picture, drawn as in components/markers.html, with handles for the selected one.

import { cornersOf } from "./geometry.js";
import { isWide } from "./rows.js";

const NS = "http://www.w3.org/2000/svg";
const percent = (value) => `${Number(value) || 0}%`;

function make(name, attributes = {}, ...children) {
  const part = document.createElementNS(NS, name);
  Object.entries(attributes).forEach(([key, value]) => part.setAttribute(key, value));
  part.append(...children);
  return part;
}

function leader(mark, look) {
  const ends = { x1: percent(mark.x), y1: percent(mark.y), x2: percent(mark.target_x), y2: percent(mark.target_y) };
  return make("line", { class: look, ...ends, ...(look === "marker__end" ? { "marker-end": "url(#editor-tip)" } : {}) });
}

function outline(mark, look) {
  const [rx, ry] = [mark.width / 2, mark.height / 2];
  if (mark.shape === "arrow") {
    return make("circle", { class: look, cx: percent(mark.target_x), cy: percent(mark.target_y), r: 14 });
  }
  if (mark.shape === "circle") {
    return make("ellipse", { class: look, cx: percent(mark.target_x), cy: percent(mark.target_y), rx: percent(rx), ry: percent(ry) });
  }
  if (mark.shape === "polygon") {
    const points = cornersOf(mark).map(({ x, y }) => `${x},${y}`).join(" ");
    return make("svg", { width: "100%", height: "100%", viewBox: "0 0 100 100", preserveAspectRatio: "none" },
      make("polygon", { class: look, points, "vector-effect": "non-scaling-stroke" }));
  }
  return make("rect", {
    class: look, x: percent(mark.target_x - rx), y: percent(mark.target_y - ry), width: percent(mark.width), height: percent(mark.height),
  });
}

function figure(mark, index) {
  const lines = [leader(mark, "marker__case"), leader(mark, "marker__line")];
  if (mark.shape === "point") {
    return [...lines, make("circle", { class: "marker__dot", cx: percent(mark.target_x), cy: percent(mark.target_y), r: ".22em" })];
  }
  const id = `editor-hole-${index}`;
  const whole = { x: 0, y: 0, width: "100%", height: "100%" };
  const mask = make("mask", { id, maskUnits: "userSpaceOnUse", ...whole }, make("rect", { fill: "#fff", ...whole }), outline(mark, "marker__hole"));
  const end = mark.shape === "arrow" ? [leader(mark, "marker__end")] : [outline(mark, "marker__case"), outline(mark, "marker__line")];
  return [mask, make("g", { mask: `url(#${id})` }, ...lines), ...end];
}

function disc(mark, index) {
  const digit = make("text", { class: "marker__number", "text-anchor": "middle", dy: ".36em" });
  digit.textContent = index + 1;
  return make("svg", { x: percent(mark.x), y: percent(mark.y), overflow: "visible", "data-grip": "disc" },
    make("circle", { class: "marker__rim", r: ".8em" }), make("circle", { class: "marker__disc", r: ".66em" }), digit);
}

// The arrowhead of components/svg_defs.html.
function tip() {
  const size = { viewBox: "0 0 12 12", refX: 11, refY: 6, markerWidth: 18, markerHeight: 18, markerUnits: "userSpaceOnUse", orient: "auto" };
  return make("marker", { id: "editor-tip", ...size }, make("path", { class: "marker__tip", d: "M1 1 11 6 1 11z" }));
}

// The hit area is larger than the visible handle, for touch.
function grip(part, x, y) {
  return make("svg", { x: percent(x), y: percent(y), overflow: "visible", "data-grip": part },
    make("circle", { class: "marker-editor__handle marker-editor__handle--wide", r: 14 }), make("circle", { class: "marker-editor__handle marker-editor__handle--casing", r: 8 }), make("circle", { class: "marker-editor__handle", r: 8 }));
}

function grips(mark) {
  const corner = grip("size", Number(mark.target_x) + mark.width / 2, Number(mark.target_y) + mark.height / 2);
  const corners = mark.shape === "polygon" ? cornersOf(mark).map(({ x, y }, index) => grip(`corner-${index}`, x, y)) : [];
  return [grip("target", mark.target_x, mark.target_y), ...(isWide(mark.shape) ? [corner] : []), ...corners];
}

function cross({ x, y }) {
  const path = "M-16 0H16M0-16V16";
  return make("svg", { x: percent(x), y: percent(y), overflow: "visible" },
    make("path", { class: "marker-editor__crosshair--casing", d: path }), make("path", { class: "marker-editor__crosshair", d: path }));
}

export function startCanvas(root) {
  const box = root.querySelector("[data-canvas]");
  let spot = null;
  let last = [[], -1];

  function draw(marks, chosen) {
    last = [marks, chosen];
    const svg = make("svg", { class: "figure__markers", "aria-hidden": "true" }, tip());
    marks.forEach((mark, index) => {
      const look = index === chosen ? "marker is-selected" : "marker";
      svg.append(make("g", { class: look, "data-index": index }, ...figure(mark, index), disc(mark, index)));
    });
    if (marks[chosen]) svg.append(make("g", { class: "marker", "data-index": chosen }, ...grips(marks[chosen])));
    if (spot) svg.append(cross(spot));
    box.replaceChildren(svg);
  }

  return { box, draw, point: (at) => { spot = at; draw(...last); } };
}
