// Headings in the Markdown.

// The attributes at the end of a heading: {#when-to-call} or {#details .folded} (HEADING_ATTRIBUTES in
// procedures/rendering/parser.py).
export const ATTRIBUTES = /\{#([a-z0-9]+(?:-[a-z0-9]+)*)([ ]\.folded)?\}[ \t]*$/;

// Return {level, title} of a line that is a heading; otherwise undefined.
export function readHeading(line) {
  const [, signs, words] = /^(#{1,6})[ \t]+(.*)$/.exec(line) ?? [];
  const title = words?.replace(ATTRIBUTES, "").trim();
  return title ? { level: signs.length, title } : undefined;
}
