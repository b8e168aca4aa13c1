// Geometry of markers. All positions and sizes are percentages of the picture.

const MARGIN = 8;
const REACHES = [18, 24, 30];
const TURNS = 24;

export const clamp = (value, least = 0, most = 100) => Math.min(most, Math.max(least, value));

// Choose a position for a new disc: near its target, far from other discs and targets, preferably outward.
export function roomFor(target, others, aspect) {
  const taken = others.flatMap((mark) => [{ x: Number(mark.x), y: Number(mark.y) }, { x: Number(mark.target_x), y: Number(mark.target_y) }]);
  const apart = (one, other) => Math.hypot(one.x - other.x, (one.y - other.y) / aspect);
  let best = { x: clamp(target.x + REACHES[0], MARGIN, 100 - MARGIN), y: target.y };
  let most = -1;
  for (const reach of REACHES) {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const angle = (2 * Math.PI * turn) / TURNS;
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

// Return the current position of a part of a marker.
export function placeOf(mark, part) {
  const target = { x: Number(mark.target_x), y: Number(mark.target_y) };
  if (part === "disc") return { x: Number(mark.x), y: Number(mark.y) };
  if (part === "target") return target;
  return { x: target.x + mark.width / 2, y: target.y + mark.height / 2 };
}

// Return the values that change when a part is moved to a position. A shape stays within the picture.
export function putAt(mark, part, at) {
  if (part === "disc") return { x: clamp(at.x), y: clamp(at.y) };
  const [width, height] = [Number(mark.width) || 0, Number(mark.height) || 0];
  if (part === "target") {
    return { target_x: clamp(at.x, width / 2, 100 - width / 2), target_y: clamp(at.y, height / 2, 100 - height / 2) };
  }
  const most = (center) => 2 * Math.min(center, 100 - center);
  const [x, y] = [Number(mark.target_x), Number(mark.target_y)];
  return { width: clamp(2 * Math.abs(at.x - x), 1, most(x)), height: clamp(2 * Math.abs(at.y - y), 1, most(y)) };
}
