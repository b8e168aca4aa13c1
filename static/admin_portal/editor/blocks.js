// From the answers in a small window to Markdown of the dialect (docs/markdown.md). Each returns text, or an object with
// inline: true where it goes into the sentence.

const lines = (text) => (text ?? "").split("\n").map((line) => line.trim().replace(/^([-*•]|\d+[.)])\s+/, "")).filter(Boolean);
const listed = (text, mark = () => "-") => lines(text).map((line, at) => `${mark(at)} ${line}`).join("\n");
const block = (name, inside) => `::: ${name}\n${inside}\n:::`;
const inline = (text) => ({ inline: true, text });

export const BLOCKS = {
  link: ({ choice, section, words }, { name }) => inline(`[${(words || name).replace(/[[\]]/g, "")}](page:${choice}${section ? `#${section}` : ""})`),
  source: ({ choice }) => inline(`[@${choice}]`),
  word: (_, { name }) => inline(name),
  picture: ({ choice, second }) => (second ? `::: compare ${choice} ${second}` : `::: figure ${choice}`),
  series: ({ choice }) => `::: series ${choice}`,
  care: ({ all }) => `::: care ${all.join(" ")}`,
  points: (answers) => block("key-points", listed(answers.lines)),
  card: (answers) => block(answers.urgency, lines(answers.lines).length > 1 || answers.urgency !== "note" ? listed(answers.lines) : lines(answers.lines).join("")),
  steps: (answers) => block("steps", listed(answers.lines, (at) => `${at + 1}.`)),
  checklist: (answers) => block("checklist", listed(answers.lines)),
  dos: (answers) => [["do", answers.lines], ["dont", answers.not]].filter(([, text]) => lines(text).length)
    .map(([name, text]) => block(name, listed(text))).join("\n\n"),
  chance: ({ count, out_of: outOf, sentence, source }) => block(`chance ${count} in ${outOf}`, sentence.trim().replaceAll("\n", " ") + (source ? ` [@${source}]` : "")),
  choices: (answers) => block("choices", lines(answers.lines).map((option) => (
    `### ${option}\n${lines(answers.aspects).map((aspect) => `#### ${aspect}\n…`).join("\n")}`
  )).join("\n")),
  value: ({ value }) => inline(`{${value}}`),
  table: (answers) => {
    const heads = lines(answers.lines);
    const row = `|${" … |".repeat(heads.length)}`;
    return [`| ${heads.join(" | ")} |`, `|${"---|".repeat(heads.length)}`, ...Array.from({ length: Number(answers.rows) }, () => row)].join("\n");
  },
  index: ({ index }) => `::: ${index}`,
};
