// Geometry of markers. All positions and sizes are percentages of the picture.

const MARGIN = 8;
const DISTANCES = [18, 24, 30];
const ANGLE_STEPS = 24;

export const clamp = (value, least = 0, most = 100) => Math.min(most, Math.max(least, value));

// Choose a position for a new disc: near its target, far from other discs and targets, preferably outward.
export function roomFor(target, others, aspect) {
  const taken = others.flatMap((mark) => [{ x: Number(mark.x), y: Number(mark.y) }, { x: Number(mark.target_x), y: Number(mark.target_y) }]);
  const apart = (point, other) => Math.hypot(point.x - other.x, (point.y - other.y) / aspect);
  let best = { x: clamp(target.x + DISTANCES[0], MARGIN, 100 - MARGIN), y: target.y };
  let most = -1;
  for (const reach of DISTANCES) {
    for (let turn = 0; turn < ANGLE_STEPS; turn += 1) {
      const angle = (2 * Math.PI * turn) / ANGLE_STEPS;
      const place = { x: target.x + reach * Math.cos(angle), y: target.y + reach * Math.sin(angle) * aspect };
      const inside = [place.x, place.y].every((value) => value >= MARGIN && value <= 100 - MARGIN);
      if (!inside) continue;
      const free = Math.min(30, ...taken.map((other) => apart(place, other)));
      const score = free + Math.abs(place.x - 50) / 10 - reach / 5;
      if (score > most) { most = score; best = place; }
    }
  }
  return best;
}

// The corners of a polygon: lines of two numbers in the form, and parts named corner-0, corner-1, …
export const isCorner = (part) => part.startsWith("corner-");
const indexOfCorner = (part) => Number(part.slice("corner-".length));
export const tidy = (number) => String(Math.round(number * 100) / 100);
const asLine = ({ x, y }) => `${tidy(x)} ${tidy(y)}`;

function readCorner(line) {
  const numbers = line.trim().replaceAll(",", ".").split(/\s+/).map(Number);
  return numbers.length === 2 && numbers.every(Number.isFinite) ? { x: numbers[0], y: numbers[1] } : undefined;
}

// Return the lines of a polygon as they were typed, without empty ones, and the number of the line of each corner.
function linesOf(mark) {
  const lines = (mark.outline ?? "").split("\n").filter((line) => line.trim());
  return { lines, places: [...lines.keys()].filter((at) => readCorner(lines[at])) };
}

export function cornersOf(mark) {
  const { lines, places } = linesOf(mark);
  return places.map((at) => readCorner(lines[at]));
}

// Replace ``count`` corners, from the one at ``index``, with others. Other lines stay as they were typed.
function replaceCorners(mark, index, count, corners) {
  const { lines, places } = linesOf(mark);
  lines.splice(places[index] ?? lines.length, count, ...corners.map(asLine));
  return lines.join("\n");
}

// A diamond around the target, for a shape that has no corners yet.
export function firstOutline({ x, y }, width, height) {
  const [rx, ry] = [width / 2, height / 2];
  return [{ x: x - rx, y }, { x, y: y - ry }, { x: x + rx, y }, { x, y: y + ry }].map((at) => asLine({ x: clamp(at.x), y: clamp(at.y) })).join("\n");
}

// Add a corner in the middle of the longest side. Returns the lines and the index of the corner.
export function withCorner(mark, aspect) {
  const corners = cornersOf(mark);
  const next = (index) => corners[(index + 1) % corners.length];
  const lengths = corners.map((at, index) => Math.hypot(at.x - next(index).x, (at.y - next(index).y) / aspect));
  const longest = lengths.indexOf(Math.max(...lengths));
  const [start, other] = [corners[longest], next(longest)];
  const middle = { x: (start.x + other.x) / 2, y: (start.y + other.y) / 2 };
  return { outline: replaceCorners(mark, longest + 1, 0, [middle]), index: longest + 1 };
}

export const withoutCorner = (mark, index) => replaceCorners(mark, index, 1, []);

function moveAll(mark, at) {
  const { lines, places } = linesOf(mark);
  const corners = cornersOf(mark);
  const limit = (name, wanted) => {
    const values = [Number(mark[`target_${name}`]), ...corners.map((corner) => corner[name])];
    return clamp(wanted - values[0], -Math.min(...values), 100 - Math.max(...values));
  };
  const [dx, dy] = [limit("x", at.x), limit("y", at.y)];
  corners.forEach(({ x, y }, index) => { lines[places[index]] = asLine({ x: x + dx, y: y + dy }); });
  return { target_x: Number(mark.target_x) + dx, target_y: Number(mark.target_y) + dy, outline: lines.join("\n") };
}

// Return the current position of a part of a marker.
export function placeOf(mark, part) {
  const target = { x: Number(mark.target_x), y: Number(mark.target_y) };
  if (part === "disc") return { x: Number(mark.x), y: Number(mark.y) };
  if (part === "target") return target;
  if (isCorner(part)) return cornersOf(mark)[indexOfCorner(part)] ?? target;
  return { x: target.x + mark.width / 2, y: target.y + mark.height / 2 };
}

// Return the values that change when a part is moved to a position. A shape stays within the picture.
export function putAt(mark, part, at) {
  if (part === "disc") return { x: clamp(at.x), y: clamp(at.y) };
  if (isCorner(part)) return { outline: replaceCorners(mark, indexOfCorner(part), 1, [{ x: clamp(at.x), y: clamp(at.y) }]) };
  if (part === "target" && mark.shape === "polygon") return moveAll(mark, at);
  const [width, height] = [Number(mark.width) || 0, Number(mark.height) || 0];
  if (part === "target") {
    return { target_x: clamp(at.x, width / 2, 100 - width / 2), target_y: clamp(at.y, height / 2, 100 - height / 2) };
  }
  const most = (center) => 2 * Math.min(center, 100 - center);
  const [x, y] = [Number(mark.target_x), Number(mark.target_y)];
  return { width: clamp(2 * Math.abs(at.x - x), 1, most(x)), height: clamp(2 * Math.abs(at.y - y), 1, most(y)) };
}
