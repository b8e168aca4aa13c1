// Marks the words that problems and suggestions are about, where they are, as Word marks mistakes; a problem that is not
// about words marks its line.

import { offsetOfLine } from "../editor/insert_text.js";
import { findMatches } from "./find_marks.js";
import { Decoration, DecorationSet, Plugin, PluginKey } from "./libraries.js";
import { schema } from "./schema.js";

const key = new PluginKey("problems");

// The issue whose words or bar were clicked, until the cursor leaves them or something changes.
export const clickedIssue = (state) => key.getState(state).clicked?.issue;

function decorate(doc, text, issue) {
  const { line, words, sentence, isProblem } = issue;
  const { pos, node, blockPos } = text.position(doc, offsetOfLine(text.toMarkdown(doc).text, line));
  if (!node || blockPos === undefined) return [];
  const look = { class: isProblem ? "problem" : "suggestion", title: sentence };
  const isHere = ({ to }) => to > pos && to <= blockPos + node.nodeSize;
  const matches = words.map((word) => findMatches(doc, word, { matchCase: true }).filter(isHere)).find(({ length }) => length) ?? [];
  // Words that are also a link are more likely meant, such as “here”.
  const match = matches.find(({ from, to }) => doc.rangeHasMark(from, to, schema.marks.link)) ?? matches[0];
  if (match) return [Decoration.inline(match.from, match.to, look, { issue })];
  if (!isProblem) return [];
  const $pos = doc.resolve(pos);
  const from = node.isTextblock || !$pos.depth ? blockPos : $pos.before();
  return [Decoration.node(from, from + doc.nodeAt(from).nodeSize, { class: "has-problem", title: sentence }, { issue, isBar: true })];
}

// Whether a click is on the bar beside a block, which is outside its box.
function isOnBar({ clientX }, block) {
  const { left, right } = block.getBoundingClientRect();
  return clientX < left || clientX > right;
}

// ``text``: the document with its Markdown. Dispatch ``tr.setMeta("problems", [{line, words, sentence, isProblem, buttons}])`` with
// those of each check; ``words``: what a problem is about, the most exact first.
// ``say``: tells a screen reader what a click shows.
export function problemMarksPlugin(text, say) {
  return new Plugin({
    key,
    state: {
      init: () => ({ marks: DecorationSet.empty }),
      apply(tr, old) {
        const found = tr.getMeta("problems");
        const marks = found ? DecorationSet.create(tr.doc, found.flatMap((issue) => decorate(tr.doc, text, issue))) : old.marks.map(tr.mapping, tr.doc);
        const isLeft = tr.selectionSet && old.clicked && (tr.selection.head < old.clicked.from || tr.selection.head > old.clicked.to);
        return { marks, clicked: tr.getMeta(key) ?? (found || tr.docChanged || isLeft ? undefined : old.clicked) };
      },
    },
    props: {
      decorations: (state) => key.getState(state).marks,
      handleClick(view, pos, event) {
        const { marks } = key.getState(view.state);
        const block = event.target.closest(".has-problem");
        const bar = block && isOnBar(event, block);
        const start = bar ? view.posAtDOM(block, 0) : pos;
        const mark = marks.find(start, start, ({ isBar }) => Boolean(isBar) === Boolean(bar)).at(-1);
        if (mark) {
          view.dispatch(view.state.tr.setMeta(key, { from: mark.from, to: mark.to, issue: mark.spec.issue }));
          say(mark.spec.issue.sentence);
        }
        return false;
      },
    },
  });
}
