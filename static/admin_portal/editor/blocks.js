// Converts the fields of a dialog to our Markdown (docs/markdown.md). Each function returns text, or an object with
// inline: true if the text belongs in a sentence.

import { encodeAddress, isAddress, withScheme } from "./addresses.js";
import { ITEM, isLone } from "./lists.js";

// Splits lines into list items. Where the lines were selected from a list, nested and continued lines stay in their item.
function items(text) {
  const found = [];
  let isMarked = false;
  (text ?? "").split("\n").filter((line) => line.trim()).forEach((line) => {
    const [, indent, sign, words] = ITEM.exec(line);
    if (found.length && isMarked && indent.length > 1) found.at(-1).inside.push(`${sign ? `${sign} ` : ""}${words}`);
    else {
      isMarked = sign !== undefined;
      found.push({ sign, words, inside: [] });
    }
  });
  const numbers = found.map(({ sign }) => Number.parseInt(sign, 10));
  return found.map(({ sign, words, inside }, at) => {
    const isItem = !Number.isNaN(numbers[at]) && !isLone(numbers, at);
    return { number: isItem ? numbers[at] : 1, words: isItem || !/^\d/.test(sign) ? words : `${sign} ${words}`, inside };
  });
}

const lines = (text) => items(text).flatMap(({ words, inside }) => [words, ...inside]).filter(Boolean);
const sentence = (words) => words.replace(/^(\d+)([.)]\s)/, "$1\\$2");

function listed(text, { isOrdered = false } = {}) {
  const found = items(text);
  return found.map(({ words, inside }, at) => {
    const mark = isOrdered ? `${found[0].number + at}.` : "-";
    return [`${mark} ${sentence(words)}`, ...inside.map((line) => " ".repeat(mark.length + 1) + line)].join("\n");
  }).join("\n");
}

const block = (name, inside) => `::: ${name}\n${inside}\n:::`;
const webAddress = (text) => encodeAddress(withScheme(text.trim()));
const target = (page, section, url) => (isAddress(url) ? webAddress(url) : `page:${page}${section ? `#${section}` : ""}`);
const inline = (text) => ({ inline: true, text });

export const BLOCKS = {
  link: ({ choice, section, words, url }, { name }) => inline(`[${(words || name || url.trim()).replace(/(?<!\\)[[\]]/g, "\\$&")}](${target(choice, section, url)})`),
  source: ({ choice }) => inline(`[@${choice}]`),
  word: (_, { name }) => inline(name),
  picture: ({ choice, second }) => (second ? `::: compare ${choice} ${second}` : `::: figure ${choice}`),
  series: ({ choice }) => `::: series ${choice}`,
  care: ({ all }) => `::: care ${all.join(" ")}`,
  points: (answers) => block("key-points", listed(answers.lines)),
  signs: ({ when, short }) => `::: warning-signs ${when}${short ? " short" : ""}`,
  card: (answers) => block(answers.urgency, lines(answers.lines).length > 1 || answers.urgency !== "note" ? listed(answers.lines) : sentence(lines(answers.lines).join(""))),
  steps: (answers) => block("steps", listed(answers.lines, { isOrdered: true })),
  checklist: (answers) => block("checklist", listed(answers.lines)),
  dos: (answers) => [["do", answers.lines], ["dont", answers.not]].filter(([, text]) => lines(text).length)
    .map(([name, text]) => block(name, listed(text))).join("\n\n"),
  chance: ({ count, out_of: outOf, sentence: words, source }) => block(`chance ${count} in ${outOf}`, words.trim().replaceAll("\n", " ") + (source ? ` [@${source}]` : "")),
  choices: (answers) => block("choices", lines(answers.lines).map((option) => (
    `### ${option}\n${lines(answers.aspects).map((aspect) => `#### ${aspect}\n…`).join("\n")}`
  )).join("\n")),
  scale: (answers) => block("scale", listed(answers.lines)),
  value: ({ value }) => inline(`{${value}}`),
  table: (answers) => {
    const heads = lines(answers.lines).map((head) => head.replace(/(?<!\\)\|/g, "\\|"));
    const row = `|${" … |".repeat(heads.length)}`;
    return [`| ${heads.join(" | ")} |`, `|${"---|".repeat(heads.length)}`, ...Array.from({ length: Number(answers.rows) }, () => row)].join("\n");
  },
  index: ({ index }) => `::: ${index}`,
};
