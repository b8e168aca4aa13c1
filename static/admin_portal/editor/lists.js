// List items in plain text.

// Bullets that people and programs type, apart from those of Markdown.
const BULLETS = "•·▪▫◦‣⁃∙●○■➢❖◆";
export const FOREIGN_BULLET = new RegExp(`^\\s*[${BULLETS}]\\s+`);
export const BULLET = new RegExp(`^\\s*[${BULLETS}*-]\\s+`);
// The indentation, the bullet or number, and the words of a line.
export const ITEM = new RegExp(`^(\\s*)(?:([${BULLETS}*-]|\\d+[.)])\\s+)?(.*?)\\s*$`);
export const NUMBER = /^\s*(\d{1,9})[.)]\s+/;

// Return the number that a line begins with, as a list item does; NaN if there is none.
export const listNumber = (line) => Number(NUMBER.exec(line)?.[1] ?? NaN);

// Whether a number belongs to its sentence ("1945. That was the year."), because no other line continues its list.
export const isLone = (numbers, at) => numbers[at] !== 1
  && !numbers.some((number, other) => other !== at && number === numbers[at] + Math.sign(other - at));
