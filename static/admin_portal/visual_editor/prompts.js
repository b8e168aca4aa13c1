// The prompts of a page template, "[Say what to bring.]": a click or Tab selects a whole prompt, so that typing replaces it,
// as in a Word template.

import { Plugin, TextSelection } from "./libraries.js";

const PROMPT = new RegExp(`^${document.querySelector("[data-prompt]").dataset.prompt}$`, "u");

// Return [start, end] of each prompt.
function promptsOf(doc) {
  const found = [];
  doc.descendants((node, pos) => {
    if (node.isTextblock && PROMPT.test(node.textContent)) found.push([pos + 1, pos + 1 + node.content.size]);
    return !node.isTextblock;
  });
  return found;
}

const isSelected = ({ selection: { from, to } }, [start, end]) => from === start && to === end;

export function isPromptSelected(state) {
  return promptsOf(state.doc).some((prompt) => isSelected(state, prompt));
}

const selectRange = (state, dispatch, [start, end]) => {
  dispatch?.(state.tr.setSelection(TextSelection.create(state.doc, start, end)).scrollIntoView());
  return true;
};

// Select the next prompt (1) or the one before (-1): from a prompt, or forward from the end of what was typed over one.
export const goToPrompt = (step) => (state, dispatch) => {
  const { $from, empty } = state.selection;
  const prompts = promptsOf(state.doc);
  const at = prompts.findIndex((prompt) => isSelected(state, prompt));
  if (at >= 0) return Boolean(prompts[at + step]) && selectRange(state, dispatch, prompts[at + step]);
  const isAtEnd = step > 0 && empty && $from.parent.content.size > 0 && $from.parentOffset === $from.parent.content.size;
  const next = isAtEnd ? prompts.find(([start]) => start > $from.pos) : undefined;
  return Boolean(next) && selectRange(state, dispatch, next);
};

// Put the cursor into an untouched text: its first prompt, if it begins with one.
export function selectFirstPrompt(view) {
  const [first] = promptsOf(view.state.doc);
  const { selection } = view.state;
  if (first && selection.empty && selection.$from.start() === first[0]) selectRange(view.state, view.dispatch, first);
}

export const promptsPlugin = () => new Plugin({
  props: {
    handleClick(view, pos, event) {
      if (event.shiftKey) return false;
      const prompt = promptsOf(view.state.doc).find(([start, end]) => start <= pos && pos <= end);
      return Boolean(prompt) && selectRange(view.state, view.dispatch, prompt);
    },
  },
});
