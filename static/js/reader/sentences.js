const BLOCKS = "h1, h2, h3, h4, h5, p, li, dt, dd, th, td";
// Skip marker numbers, citations, and navigation.
const SILENT = "svg, nav, fieldset, .citation, .page-status, .reader-tools__box, button, summary, .visually-hidden, .next-step, .sources, .compare__tools";

// The sentences in some elements as the reader sees them now: the text, range, and block of each.
export function sentencesOf(roots, language) {
  const blocks = new Map();
  roots.forEach((root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      const parent = node.parentElement;
      const block = parent.closest(BLOCKS);
      if (!block || parent.closest(SILENT) || !parent.checkVisibility()) continue;
      blocks.set(block, [...(blocks.get(block) ?? []), node]);
    }
  });
  return [...blocks].flatMap(([block, nodes]) => sentencesIn(block, nodes, language));
}

function sentencesIn(block, nodes, language) {
  const whole = nodes.map((node) => node.data).join("");
  return segmentsOf(whole, language)
    .filter(({ text }) => /\p{L}/u.test(text))
    .map(({ text, start }) => {
      const lead = text.length - text.trimStart().length;
      const range = document.createRange();
      range.setStart(...positionOf(nodes, start + lead));
      range.setEnd(...positionOf(nodes, start + text.trimEnd().length));
      return { text: text.trim().replace(/\s+/g, " "), range, block };
    });
}

// Uses the browser's own rules for the language; without them, the whole block is read at once.
function segmentsOf(text, language) {
  if (!Intl.Segmenter) return [{ text, start: 0 }];
  const found = [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)];
  return found.map(({ segment, index }) => ({ text: segment, start: index }));
}

// Map an offset in the joined text to a text node and an offset in it.
function positionOf(nodes, offset) {
  let left = offset;
  for (const node of nodes) {
    if (left <= node.length) return [node, left];
    left -= node.length;
  }
  const last = nodes[nodes.length - 1];
  return [last, last.length];
}
