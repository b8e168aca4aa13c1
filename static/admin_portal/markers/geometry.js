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
const tidy = (number) => Math.round(number * 100) / 100;
const asLines = (corners) => corners.map(({ x, y }) => `${tidy(x)} ${tidy(y)}`).join("\n");

export function cornersOf(mark) {
  const lines = (mark.outline ?? "").split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return lines.filter((line) => line.length === 2 && line.every(Number.isFinite)).map(([x, y]) => ({ x, y }));
}

// A diamond around the target, for a shape that has no corners yet.
export function firstOutline({ x, y }, width, height) {
  const [rx, ry] = [width / 2, height / 2];
  return asLines([{ x: x - rx, y }, { x, y: y - ry }, { x: x + rx, y }, { x, y: y + ry }].map((at) => ({ x: clamp(at.x), y: clamp(at.y) })));
}

// Add a corner in the middle of the longest side. Returns the lines and the index of the corner.
export function withCorner(mark, aspect) {
  const corners = cornersOf(mark);
  const next = (index) => corners[(index + 1) % corners.length];
  const lengths = corners.map((at, index) => Math.hypot(at.x - next(index).x, (at.y - next(index).y) / aspect));
  const longest = lengths.indexOf(Math.max(...lengths));
  const [start, other] = [corners[longest], next(longest)];
  corners.splice(longest + 1, 0, { x: (start.x + other.x) / 2, y: (start.y + other.y) / 2 });
  return { outline: asLines(corners), index: longest + 1 };
}

export const withoutCorner = (mark, index) => asLines(cornersOf(mark).filter((_, other) => other !== index));

function moveAll(mark, corners, at) {
  const limit = (name, wanted) => {
    const values = [Number(mark[`target_${name}`]), ...corners.map((corner) => corner[name])];
    return clamp(wanted - values[0], -Math.min(...values), 100 - Math.max(...values));
  };
  const [dx, dy] = [limit("x", at.x), limit("y", at.y)];
  return {
    target_x: Number(mark.target_x) + dx, target_y: Number(mark.target_y) + dy,
    outline: asLines(corners.map(({ x, y }) => ({ x: x + dx, y: y + dy }))),
  };
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
  const corners = cornersOf(mark);
  if (isCorner(part)) {
    corners[indexOfCorner(part)] = { x: clamp(at.x), y: clamp(at.y) };
    return { outline: asLines(corners) };
  }
  if (part === "target" && mark.shape === "polygon") return moveAll(mark, corners, at);
  const [width, height] = [Number(mark.width) || 0, Number(mark.height) || 0];
  if (part === "target") {
    return { target_x: clamp(at.x, width / 2, 100 - width / 2), target_y: clamp(at.y, height / 2, 100 - height / 2) };
  }
  const most = (center) => 2 * Math.min(center, 100 - center);
  const [x, y] = [Number(mark.target_x), Number(mark.target_y)];
  return { width: clamp(2 * Math.abs(at.x - x), 1, most(x)), height: clamp(2 * Math.abs(at.y - y), 1, most(y)) };
}
