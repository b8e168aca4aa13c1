// The toolbar of the visual editor, and the line below the text that shows where the cursor is and what can be done
// there.

import { gettext } from "../i18n.js";
import { roving } from "../editor/roving.js";
import {
  addOption, currentCard, currentHeading, currentLink, indent, isActive, listOf, marks, nodes, outdent, setMark, setStyle, styleOf, tableCommands, toggleList,
} from "./commands.js";
import { iconButton, keyName } from "./icons.js";
import { deleteBlock, duplicateBlock, moveBlock } from "./node_views.js";
import { clickedIssue } from "./problem_marks.js";
import { isPromptSelected } from "./prompts.js";
import { TextSelection, isInTable, redo, redoDepth, undo, undoDepth } from "./libraries.js";

function group(name, ...parts) {
  const box = Object.assign(document.createElement("div"), { className: "editor-bar__group" });
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  box.append(...parts);
  return box;
}

// The bar is one row. If it overflows, it scrolls, and an arrow button scrolls it. The arrow is
// for pointer users only: with the arrow keys, the bar follows the focus.
function scrollHints(bar) {
  const hint = (side, drawing, step) => {
    const button = iconButton("", drawing, { className: `editor-bar__hint editor-bar__hint--${side}` });
    button.removeAttribute("aria-label");
    button.setAttribute("aria-hidden", "true");
    button.tabIndex = -1;
    button.addEventListener("click", () => bar.scrollBy({ left: step * bar.clientWidth * 0.7 }));
    return button;
  };
  const [start, end] = [hint("start", "previous", -1), hint("end", "next", 1)];
  bar.prepend(start);
  bar.append(end);
  let waits = false;
  const show = () => {
    waits = false;
    const left = Math.abs(bar.scrollLeft);
    start.hidden = left < 8;
    end.hidden = bar.scrollWidth - bar.clientWidth - left < 8;
  };
  const showSoon = () => {
    if (!waits) requestAnimationFrame(show);
    waits = true;
  };
  bar.addEventListener("scroll", showSoon, { passive: true });
  new ResizeObserver(showSoon).observe(bar);
}

export function createToolbar(bar, view, actions) {
  const run = (command) => () => {
    command(view.state, view.dispatch, view);
    view.focus();
  };
  const button = (name, drawing, command, keys = "", more = {}) => iconButton(name, drawing, { act: run(command), keys: keyName(keys), ...more });
  const buttons = {
    undo: button(gettext("Undo"), "undo", undo, "Ctrl+Z"),
    redo: button(gettext("Redo"), "redo", redo, "Ctrl+Y"),
    bold: button(gettext("Bold"), "bold", setMark(marks.strong), "Ctrl+B"),
    italic: button(gettext("Italic"), "italic", setMark(marks.em), "Ctrl+I"),
    bullets: button(gettext("Bulleted list"), "bullets", toggleList(nodes.bullet_list), "Ctrl+Shift+8"),
    numbers: button(gettext("Numbered list"), "numbers", toggleList(nodes.ordered_list), "Ctrl+Shift+7"),
  };
  const act = (name, drawing, does, keys = "") => iconButton(name, drawing, { act: does, words: true, keys: keyName(keys), className: "editor-button editor-button--named" });
  const style = Object.assign(document.createElement("select"), { className: "editor-bar__style", ariaLabel: gettext("Paragraph style") });
  style.title = keyName("Ctrl+Alt+0 … 3");
  [["paragraph", gettext("Text")], ["2", gettext("Heading")], ["3", gettext("Subheading")], ["4", gettext("Small heading")]]
    .forEach(([value, name]) => style.append(new Option(name, value)));
  style.addEventListener("change", () => run(setStyle(style.value))());
  const insert = iconButton(gettext("Insert"), "plus", { words: true, keys: "/", className: "editor-button editor-button--named editor-button--main" });
  insert.setAttribute("aria-haspopup", "dialog");
  insert.addEventListener("click", () => actions.insert(insert));
  bar.append(
    group(gettext("Undo and redo"), buttons.undo, buttons.redo),
    group(gettext("Style"), style, buttons.bold, buttons.italic),
    group(gettext("Lists"), buttons.bullets, buttons.numbers),
    group(
      gettext("Insert"),
      act(gettext("Link"), "link", actions.link, "Ctrl+K"),
      act(gettext("Cite"), "source", actions.source, "Ctrl+Alt+F"),
      act(gettext("Picture"), "picture", actions.picture),
      insert,
    ),
  );
  const checkStop = roving(bar);
  scrollHints(bar);
  const press = (name, isPressed) => buttons[name].setAttribute("aria-pressed", String(isPressed));
  return (state, isUsed) => {
    buttons.undo.disabled = !undoDepth(state);
    buttons.redo.disabled = !redoDepth(state);
    press("bold", isUsed && isActive(state, marks.strong));
    press("italic", isUsed && isActive(state, marks.em));
    const list = isUsed && listOf(state);
    press("bullets", list === nodes.bullet_list);
    press("numbers", list === nodes.ordered_list);
    const now = styleOf(state);
    style.disabled = !now || !setStyle(now === "paragraph" ? "2" : "paragraph")(state);
    if (style.value !== (now || "paragraph")) style.value = now || "paragraph";
    checkStop();
  };
}

// In plain text, the line offers the blocks that pages use most. In a narrow column, a sentence takes their place.
const plainTextContext = (shared) => ({
  key: "",
  name: gettext("Type / to insert a list, a picture, a warning, and more."),
  buttons: () => [
    Object.assign(document.createElement("span"), { className: "editor-context__insert", textContent: gettext("Insert") }),
    ...shared.frequentItems().map(({ label, drawing, run }) => {
      const button = iconButton(label, drawing, { act: run, words: true, className: "editor-button editor-button--named" });
      button.dataset.once = "";
      return button;
    }),
  ],
});

const INDENTS = [
  [gettext("Decrease indent"), "outdent", outdent, "Shift+Tab"],
  [gettext("Increase indent"), "indent", indent, "Tab"],
];

function hasCitation(block) {
  let found = false;
  block.descendants((node) => { found ||= node.type === nodes.citation; });
  return found;
}

// ``shared``: see visual_editor.js.
export function createContextLine(line, view, shared) {
  let shown = "";
  const place = Object.assign(document.createElement("span"), { className: "editor-context__place" });
  const tools = Object.assign(document.createElement("div"), { className: "editor-context__tools" });
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", gettext("At the cursor"));
  line.append(place, tools);
  const run = (command) => () => {
    command(view.state, view.dispatch, view);
    view.focus();
  };
  const button = (name, drawing, does) => iconButton(name, drawing, { act: does, words: true, className: "editor-button editor-button--named" });

  function context(state) {
    const issue = clickedIssue(state);
    if (issue) return { key: `issue ${issue.sentence}`, name: issue.sentence, buttons: issue.buttons };
    const link = currentLink(state);
    if (link) {
      const { href } = link.mark.attrs;
      return {
        key: `link ${href}`,
        name: shared.linkName(href),
        buttons: () => [
          button(gettext("Change link"), "link", () => shared.editLink()),
          button(gettext("Remove link"), "trash", run((editorState, go) => go(editorState.tr.removeMark(link.from, link.to, marks.link)))),
        ],
      };
    }
    if (isPromptSelected(state)) return { key: "prompt", name: gettext("Type to replace this prompt. Press Tab for the next one."), buttons: () => [] };
    const { node } = state.selection;
    if (node?.isInline && !node.isText) {
      return {
        key: `chip ${node.type.name}`,
        name: node.type === nodes.citation ? gettext("Source") : gettext("Clinic detail"),
        buttons: () => [
          button(gettext("Change"), "edit", () => shared.edit(view.state.selection.node, view.state.selection.from)),
          button(gettext("Delete"), "trash", run((editorState, go) => go(editorState.tr.deleteSelection()))),
        ],
      };
    }
    if (isInTable(state)) {
      return { key: "table", name: gettext("Table"), buttons: () => tableCommands().map(({ name, drawing, run: command }) => button(name, drawing, run(command))) };
    }
    const heading = currentHeading(state);
    if (heading?.node.attrs.level === 2) {
      const { folded } = heading.node.attrs;
      return {
        key: `heading ${folded}`,
        name: folded ? gettext("Heading of a collapsed section") : gettext("Heading"),
        buttons: () => [button(folded ? gettext("Always show this section") : gettext("Collapse this section by default"), "fold", () => shared.toggleFold())],
      };
    }
    const list = listOf(state);
    const indents = list ? INDENTS.filter(([, , command]) => command(state)) : [];
    const indentButtons = () => indents.map(([name, drawing, command, keys]) => iconButton(name, drawing, { act: run(command), keys }));
    const card = currentCard(state);
    if (card) {
      const edit = shared.canEdit(card.node);
      const needsSource = card.node.type === nodes.sentence_block && !hasCitation(card.node);
      const picture = shared.pictureWithTexts(card.node);
      return {
        key: `card ${card.node.type.name} ${card.node.attrs.name} ${edit} ${needsSource} ${picture?.key} ${indents.map(([name]) => name)}`,
        name: shared.nameOf(card.node),
        buttons: () => {
          const onCard = (act) => () => {
            const now = currentCard(view.state);
            act(now.pos, now.node);
          };
          // Where there is room next to the text, those of a block with its own view are there (node_views.js).
          const isElsewhere = card.node.attrs.name || card.node.type === nodes.source;
          const small = (name, drawing, act) => iconButton(name, drawing, {
            className: isElsewhere ? "editor-button editor-context__move" : "editor-button",
            act: onCard((pos) => {
              act(view, pos);
              view.focus();
            }),
          });
          return [
            ...(card.node.type === nodes.options_block ? [button(gettext("Add an option"), "plus", onCard((pos) => {
              addOption(view, pos);
              view.focus();
            }))] : []),
            ...(needsSource ? [button(gettext("Choose a source"), "source", onCard((pos, cardNode) => {
              view.dispatch(view.state.tr.setSelection(TextSelection.create(view.state.doc, pos + cardNode.nodeSize - 2)));
              shared.chooseSource();
            }))] : []),
            ...(edit ? [button(gettext("Edit"), "edit", onCard((pos, cardNode) => shared.edit(cardNode, pos)))] : []),
            ...(picture ? [button(gettext("Alt text and caption"), "word", onCard((pos) => shared.editPictureTexts(picture, pos)))] : []),
            ...indentButtons(),
            small(gettext("Move up"), "up", (editorView, pos) => moveBlock(editorView, pos, -1)),
            small(gettext("Move down"), "down", (editorView, pos) => moveBlock(editorView, pos, 1)),
            small(gettext("Duplicate"), "copy", duplicateBlock),
            small(gettext("Delete"), "trash", deleteBlock),
          ];
        },
      };
    }
    if (list) {
      return {
        key: `list ${indents.map(([name]) => name)}`,
        name: list === nodes.bullet_list ? gettext("Bulleted list") : gettext("Numbered list"),
        buttons: indentButtons,
      };
    }
    return plainTextContext(shared);
  }

  const put = (name, buttons) => {
    place.textContent = name;
    place.title = name;
    tools.replaceChildren(...buttons);
  };
  return {
    update(state, isUsed) {
      const now = isUsed ? context(state) : plainTextContext(shared);
      const key = `${now.key} ${now.name}`;
      if (key === shown) return;
      shown = key;
      put(now.name, now.buttons());
    },
    // Show a sentence until the next change.
    show(sentence) {
      shown = "";
      put(sentence, []);
    },
  };
}
