// The Markdown as scripts read it line by line (procedures/rendering/parser.py).

export const BLOCK_START = /^:::[ \t]*([a-z][a-z-]*)([^\n]*)$/;
export const BLOCK_END = /^:::[ \t]*$/;

// Return the name of the ":::" block that a line starts; undefined if it starts none.
export const blockName = (line) => BLOCK_START.exec(line)?.[1];

// The attributes at the end of a heading: {#when-to-call} or {#details .folded}.
export const ATTRIBUTES = /\{#([a-z0-9]+(?:-[a-z0-9]+)*)([ ]\.folded)?\}[ \t]*$/;

// Return {level, title} of a line that is a heading; otherwise undefined.
export function readHeading(line) {
  const [, signs, words] = /^(#{1,6})[ \t]+(.*)$/.exec(line) ?? [];
  const title = words?.replace(ATTRIBUTES, "").trim();
  return title ? { level: signs.length, title } : undefined;
}
