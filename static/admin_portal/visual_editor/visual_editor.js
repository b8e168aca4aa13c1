// The visual editor over the Markdown field. The textarea stays the form's field: every change is written to it, and
// changes that other scripts make to it are read back.

import { format, gettext } from "../i18n.js";
import { all, postForm } from "../editor/api.js";
import { languageOf } from "../editor/form.js";
import { offsetOfLine } from "../editor/insert_text.js";
import { createApi, keepCapital, sourceText } from "./api.js";
import { askForOptions, isPicture, lineFields } from "./block_forms.js";
import {
  currentCard, currentHeading, currentLink, currentWord, editorKeys, goToParagraph, marks, newBlock, nodes, putBlock, putTable, selectedLines, setStyle, toggleList, typingRules,
} from "./commands.js";
import { SourcePreservingDocument } from "./document.js";
import { createDragHandle } from "./drag_handle.js";
import { findMarks, findMatches } from "./find_marks.js";
import { glossaryPlugin } from "./glossary.js";
import {
  Decoration, DecorationSet, EditorState, EditorView, Fragment, NodeSelection, Plugin, PluginKey, Slice, TextSelection, closeHistory, dropCursor, gapCursor, history, redo, redoDepth,
  tableEditing, undo, undoDepth,
} from "./libraries.js";
import { CardView, CitationView, ContainerView, ValueView } from "./node_views.js";
import { createPalette } from "./palette.js";
import { pastePlugin } from "./paste.js";
import { problemMarksPlugin } from "./problem_marks.js";
import { promptsPlugin, selectFirstPrompt } from "./prompts.js";
import { createNames, createRenderer, loadStyles } from "./rendering.js";
import { CONTAINERS, schema } from "./schema.js";
import { createSelectionBar } from "./selection_bar.js";
import { tidyPlugin, withTrailingParagraph } from "./tidy.js";
import { createContextLine, createToolbar } from "./toolbar.js";
import { createUndoSplitter, storeUndo, takeUndo } from "./undo_memory.js";

// The size of a table as Word names it: columns x rows.
const TABLE_SIZE = /(\d{1,2})\s*[x×*]\s*(\d{1,2})/i;
const MAX_COLUMNS = 8;
const MAX_ROWS = 40;
// The blocks that are one click away from plain text.
const FREQUENT_BLOCKS = ["key-points", "checklist", "steps", "warning-signs", "chance", "table"];
const SHOW_BLOCK_MS = 3000; // while the pictures of a new block load

// Where the browser's own undo belongs.
const TEXT_FIELDS = "textarea, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file], [type=range], [type=color])";

// What blocks without a ":::" line are called.
const NAMES = {
  paragraph: gettext("Paragraph"),
  heading: gettext("Heading"),
  bullet_list: gettext("Bulleted list"),
  ordered_list: gettext("Numbered list"),
  table: gettext("Table"),
  quote: gettext("Quote"),
  rule: gettext("Line"),
};

function tableSize(query = "") {
  const [columns, rows] = TABLE_SIZE.exec(query)?.slice(1).map(Number) ?? [];
  return columns >= 1 && columns <= MAX_COLUMNS && rows >= 1 && rows <= MAX_ROWS ? { columns, rows } : undefined;
}

function tableLabel(query) {
  const size = tableSize(query);
  return size && format(gettext("Table (columns: %(columns)s, rows: %(rows)s)"), size);
}

// Opens the list of blocks on the "/" that begins a word, where "/" wouldn't normally appear. Its state is where the slash and
// the search are in the text, {from, to}: they stay there until a block is chosen, so that no save lacks them.
const typingKey = new PluginKey("typing");
const typingPlugin = (open) => new Plugin({
  key: typingKey,
  state: {
    init: () => undefined,
    apply(tr, search) {
      const set = tr.getMeta(typingKey);
      if (set) return set.search;
      return search && { from: tr.mapping.map(search.from, -1), to: tr.mapping.map(search.to, 1) };
    },
  },
  props: {
    handleTextInput(view, from, to, text) {
      const { selection, tr } = view.state;
      const { $from } = selection;
      if (selection instanceof NodeSelection && selection.node.isBlock) {
        // Typing does not replace a selected block, but continues below it.
        goToParagraph(tr, selection.to);
        view.dispatch((text === "/" ? tr : tr.insertText(text)).scrollIntoView());
        if (text === "/") open();
        return true;
      }
      const before = $from.parent.textBetween(0, $from.parentOffset, "\n", "\ufffc");
      if (text !== "/" || !selection.empty || !/(^|\s)$/.test(before) || view.composing) return false;
      open();
      return true;
    },
  },
});

// Placeholder text in empty paragraphs, and the block with the cursor.
const hintsPlugin = () => new Plugin({
  props: {
    decorations(state) {
      const { doc, selection } = state;
      const found = [];
      const { $from } = selection;
      const isEmpty = (node) => node.type === nodes.paragraph && !node.content.size;
      const isOnly = doc.childCount === 1 && isEmpty(doc.firstChild);
      const words = isOnly ? gettext("Write here, or type / to insert something.") : gettext("Type / to insert something.");
      if (isOnly || (selection.empty && $from.depth === 1 && isEmpty($from.parent))) {
        const from = isOnly ? 0 : $from.before();
        found.push(Decoration.node(from, from + 2, { "data-placeholder": words }));
      }
      // What is empty would not be seen otherwise.
      doc.descendants((node, pos, parent) => {
        const hint = node.type === nodes.heading ? gettext("Heading") : parent.type === nodes.sentence_block ? gettext("What happens to them?") : "";
        if (hint && !node.content.size) found.push(Decoration.node(pos, pos + 2, { "data-placeholder": hint }));
        return !node.isTextblock;
      });
      const card = currentCard(state);
      if (card) found.push(Decoration.node(card.pos, card.pos + card.node.nodeSize, { class: "has-cursor" }, { isHere: true }));
      return DecorationSet.create(doc, found);
    },
  },
});

// In a shadow tree, Chromium reports no range after collapse() next to a block that is not editable, and then extend()
// throws. Ctrl+A sets the selection in this way if the text begins with a block.
function allowExtending(selection) {
  if (!selection) return;
  const { collapse, extend } = Selection.prototype;
  let anchor;
  selection.collapse = (node, offset = 0) => {
    anchor = [node, offset];
    collapse.call(selection, node, offset);
  };
  selection.extend = (node, offset = 0) => {
    if (selection.rangeCount || !anchor) extend.call(selection, node, offset);
    else selection.setBaseAndExtent(...anchor, node, offset);
  };
}

// ``windows``: the dialogs; ``mode``: of startMode(); ``listNotes``: shows what a paste left out; ``say``: tells a screen reader.
export async function startVisualEditor(editor, field, { windows, mode, listNotes, say }) {
  const settings = JSON.parse(editor.dataset.visual);
  const { blocks, contents, cards } = settings;
  const host = editor.querySelector("[data-visual-text]");
  const root = host.attachShadow({ mode: "open" });
  const stylesReady = loadStyles(settings);
  const text = new SourcePreservingDocument(contents, cards);
  const listeners = new Set();
  const names = createNames(editor, field, () => listeners.forEach((listen) => listen()));
  const renderer = createRenderer(editor, field);
  const { form } = field;
  let isOwn = false;

  const info = (node) => blocks[node.attrs.name];
  const linkName = (href) => {
    if (href.startsWith("#")) return format(gettext("Link to a section of this page: %(name)s"), { name: href.slice(1) });
    if (!href.startsWith("page:")) return format(gettext("Link to %(name)s"), { name: href });
    const [key, anchor] = href.slice(5).split("#");
    const page = names.find("pages", key);
    const section = page?.sections.find((row) => row.key === anchor);
    if (!page) return names.isLoaded() ? format(gettext("Link to a page that does not exist (%(name)s)"), { name: key }) : gettext("Link to a page");
    return format(gettext("Link to %(name)s"), { name: anchor ? `${page.name} › ${section?.name ?? anchor}` : page.name });
  };
  const replaceNode = (pos, attrs) => {
    const node = view.state.doc.nodeAt(pos);
    const tr = closeHistory(view.state.tr);
    tr.setNodeMarkup(pos, null, { ...node.attrs, ...attrs });
    if (view.state.selection instanceof NodeSelection) tr.setSelection(NodeSelection.create(tr.doc, pos));
    view.dispatch(tr);
    view.focus();
  };
  async function freeAnchor(line) {
    const { data } = await postForm(editor, editor.dataset.preview, new FormData(form));
    if (data.error) say(data.error);
    return data.anchors?.[line];
  }
  async function edit(node, pos) {
    if (node.type === nodes.source) {
      api.setMode("source");
      api.goToOffset(text.toMarkdown(view.state.doc).places.find((place) => place.pos === pos)?.from ?? 0);
      return;
    }
    if (node.type === nodes.citation || node.type === nodes.value) {
      view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, pos)));
      windows.open(node.type === nodes.citation ? "source" : "value", { chosen: node.attrs.keys?.split(/\s*;\s*@/)[0] ?? node.attrs.name });
      return;
    }
    if (!shared.canEdit(node)) return;
    await loadNamesFor(info(node));
    askForOptions(info(node), { now: node.attrs.options }, choices, (options) => {
      if (options === undefined) view.focus();
      else replaceNode(pos, { options });
    });
  }
  // Pictures are added while a page is open; everything else is as it was when the page was opened.
  async function loadPictures() {
    await names.load();
    return names.isLoaded() ? names.all("pictures") : undefined;
  }
  const choices = { names, choosePicture: windows.choosePicture, loadPictures };
  async function loadNamesFor(block) {
    // The dialog for pictures opens before they are loaded.
    if (isPicture(block)) return;
    if (!names.isLoaded() || block.fields.some(({ kind }) => kind === "figure")) await names.load();
  }
  const shared = {
    styles: [],
    names,
    count: 0,
    valueLabels: settings.values,
    onNames(listen) {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    render: renderer.render,
    nameOf: (node) => info(node)?.label ?? NAMES[node.type.name] ?? gettext("Content that can be edited only in Source"),
    canEdit: (node) => node.type === nodes.source || (info(node) ? lineFields(info(node)).length > 0 : false),
    isLong: (node) => info(node)?.group === "indexes",
    edit,
    linkName,
    chooseSource: () => windows.open("source"),
    // The row of the picture list for a block with one picture, if the user may change its texts.
    pictureWithTexts(node) {
      const block = info(node);
      const row = block && isPicture(block) ? names.find("pictures", node.attrs.options.trim()) : undefined;
      return row?.texts ? row : undefined;
    },
    editPictureTexts: (picture, pos) => windows.editPictureTexts(picture, {
      saved() {
        say(gettext("Saved. Every page that shows the picture uses these texts."));
        names.load();
        renderer.forget();
        shared.shown.forEach((block) => block.show());
        // For the preview and the problems.
        form.dispatchEvent(new Event("change", { bubbles: true }));
      },
      // When a dialog closes, Chromium puts the caret at the start of the text.
      closed: () => {
        view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, pos)));
        view.focus();
      },
    }),
    shown: new Set(),
    editLink: () => windows.open("link", { href: currentLink(view.state).mark.attrs.href }),
    async toggleFold() {
      const { node, pos } = currentHeading(view.state);
      // Only a section with an anchor can be collapsed. The server knows which are free.
      const anchor = node.attrs.anchor || await freeAnchor(text.line(view.state.doc, pos + 1));
      view.state.doc.descendants((heading, at) => {
        if (anchor && heading === node) replaceNode(at, { folded: !node.attrs.folded, anchor });
      });
    },
    restoreSelection() {
      if (view.hasFocus()) view.focus();
    },
  };

  // ---- Inserting ----
  const placeOf = (name) => {
    let place = -1;
    view.state.doc.descendants((node, pos) => {
      if (place < 0 && node.attrs.name === name) place = pos;
      return !node.isTextblock;
    });
    return place;
  };
  // All chances on a page use the same total, so a new block starts with the options of the previous one.
  const optionsBefore = (name) => (placeOf(name) < 0 ? "" : view.state.doc.nodeAt(placeOf(name)).attrs.options);
  async function insert(name) {
    const block = blocks[name];
    const place = block.once ? placeOf(name) : -1;
    if (place >= 0) {
      say(format(gettext("This page already has “%(name)s”. We moved the cursor to it."), { name: block.label }));
      select(view.state.doc.nodeAt(place).isAtom ? place : place + 1);
      return;
    }
    const lines = block.hasEnd ? selectedLines(view.state) : [];
    const put = (options) => {
      putBlock(view, newBlock(name, block, options, lines), {
        inChoices: block.inChoices, replacesSelection: lines.length > 0, isLeading: block.leading,
      });
      showNewBlock();
    };
    if (!lineFields(block).length) {
      put("");
      return;
    }
    await loadNamesFor(block);
    askForOptions(block, { before: optionsBefore(name) }, choices, (options) => {
      if (options === undefined) view.focus();
      else put(options);
    });
  }
  // Scroll a new block into view, and again while its pictures load, until the user does something.
  function showNewBlock() {
    const { $from } = view.state.selection;
    const block = view.nodeDOM($from.depth ? $from.before(1) : $from.pos);
    if (!(block instanceof HTMLElement)) return;
    const place = () => (block.offsetHeight > Math.min(host.clientHeight, innerHeight) - 128 ? "start" : "nearest");
    const observer = new ResizeObserver(() => block.scrollIntoView({ block: place() }));
    const stop = () => observer.disconnect();
    observer.observe(block);
    setTimeout(stop, SHOW_BLOCK_MS);
    ["wheel", "mousedown", "keydown", "touchstart"].forEach((kind) => addEventListener(kind, stop, { once: true, passive: true, capture: true }));
  }
  const dialog = (name) => () => windows.open(name);
  const command = (run) => () => {
    run(view.state, view.dispatch, view);
    view.focus();
  };
  const items = () => {
    const own = [
      [gettext("Heading"), gettext("Text"), "heading", command(setStyle("2")), gettext("title section h2")],
      [gettext("Subheading"), gettext("Text"), "heading", command(setStyle("3")), gettext("title section h3")],
      [gettext("Bulleted list"), gettext("Text"), "bullets", command(toggleList(nodes.bullet_list)), gettext("points")],
      [gettext("Numbered list"), gettext("Text"), "numbers", command(toggleList(nodes.ordered_list)), gettext("order")],
      [gettext("Table"), gettext("Text"), "table", (query) => { putTable(view, tableSize(query)); showNewBlock(); }, gettext("columns rows grid"), tableLabel],
      [gettext("Link"), gettext("In a sentence"), "link", dialog("link"), gettext("url page hyperlink website")],
      [gettext("Source"), gettext("In a sentence"), "source", dialog("source"), gettext("cite citation reference footnote study")],
      [gettext("Glossary word"), gettext("In a sentence"), "word", dialog("word"), gettext("term definition dictionary")],
      [gettext("Our phone, name, or hours"), gettext("In a sentence"), "value", dialog("value"), gettext("number clinic address")],
      [gettext("Upload a new picture"), settings.groups.pictures, "picture", dialog("upload"), gettext("image photo file")],
    ].map(([label, group, drawing, run, keywords, labelFor]) => ({
      label, group, drawing, run, keywords, labelFor, isInline: group === gettext("In a sentence"),
    }));
    const ofBlocks = Object.keys(settings.groups).flatMap((group) => Object.entries(blocks).filter(([, block]) => block.group === group)
      .sort(([, block], [, other]) => block.order - other.order)
      .map(([name, block]) => ({ label: block.label, group: settings.groups[group], drawing: name, keywords: `${name} ${block.keywords}`, run: () => insert(name) })));
    const isUpload = (item) => item.drawing === "picture";
    // Below the first picture block, which adds a picture that is there already.
    const at = ofBlocks.findIndex((item) => item.group === settings.groups.pictures) + 1;
    return [...own.filter((item) => !isUpload(item)), ...ofBlocks.slice(0, at), ...own.filter(isUpload), ...ofBlocks.slice(at)];
  };
  // "A chance, as a picture and in words" is too long for a button.
  const shortLabel = ({ drawing, label }) => (drawing === "chance" ? gettext("Chance") : label);
  shared.frequentItems = () => items().filter(({ drawing }) => FREQUENT_BLOCKS.includes(drawing))
    .sort((one, other) => FREQUENT_BLOCKS.indexOf(one.drawing) - FREQUENT_BLOCKS.indexOf(other.drawing))
    .map((item) => ({ ...item, label: shortLabel(item) }));
  const palette = createPalette(items);
  // Write the slash and the search into the text, or take them out (""). Undo does not know of it.
  function writeSearch(words) {
    const { from, to } = typingKey.getState(view.state);
    view.dispatch(view.state.tr.insertText(words, from, to).setMeta("addToHistory", false));
  }
  function closeSearch(item, query, key) {
    const search = typingKey.getState(view.state);
    const words = `/${query}`;
    // Something else may have replaced the text meanwhile.
    if (search && view.state.doc.textBetween(search.from, search.to) === words) {
      writeSearch("");
      // What is not a search becomes text that was typed.
      if (!item && key?.key !== "Backspace") view.dispatch(view.state.tr.insertText(words, search.from));
    }
    view.dispatch(view.state.tr.setMeta(typingKey, {}));
    view.focus();
    if (item) item.run(query);
    else if (key?.key === "Enter") view.someProp("handleKeyDown", (handle) => handle(view, key));
  }
  function openSearch() {
    const { from, $from } = view.state.selection;
    const place = view.coordsAtPos(from);
    const inSentence = $from.parent.content.size > 0;
    view.dispatch(view.state.tr.insertText("/").setMeta("addToHistory", false).setMeta(typingKey, { search: { from, to: from + 1 } }));
    palette.open(place, closeSearch, { inSentence, follow: (query) => { if (typingKey.getState(view.state)) writeSearch(`/${query}`); } });
  }
  const openPalette = (place) => palette.open(place, (item, query) => {
    view.focus();
    item?.run(query);
  });

  // ---- The state and the field ----
  let selectedNode;
  function announce() {
    const { node } = view.state.selection;
    if (node && node !== selectedNode && node.isBlock && view.hasFocus()) {
      const words = shared.canEdit(node) ? gettext("%(name)s selected. Press Alt+Enter to change it, or Delete to remove it.")
        : gettext("%(name)s selected. Press Alt+Shift+↑ or ↓ to move it, or Delete to remove it.");
      say(format(words, { name: shared.nameOf(node) }));
    }
    selectedNode = node;
    // Before the text has had the focus, there is no cursor to show anything about.
    const isUsed = host.hasAttribute("data-used");
    updateToolbar(view.state, isUsed);
    contextLine.update(view.state, isUsed);
    selectionBar.update();
    dragHandle.update(view.state, isUsed);
    editor.dispatchEvent(new CustomEvent("editor:state", {
      bubbles: true, detail: { canUndo: undoDepth(view.state) > 0, canRedo: redoDepth(view.state) > 0 },
    }));
  }
  let asked = false;
  function announceSoon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      announce();
    });
  }
  const failure = Object.assign(document.createElement("p"), { className: "editor__notice", hidden: true });
  failure.setAttribute("role", "alert");
  host.before(failure);
  // Say that the text on screen is not what would be saved, and refuse to send the form. "": it is.
  function showFailure(message) {
    if (failure.textContent === message) return;
    failure.textContent = message;
    failure.hidden = !message;
    editor.dispatchEvent(new CustomEvent("editor:failure", { bubbles: true, detail: { message } }));
  }
  form.addEventListener("submit", (event) => {
    if (!failure.textContent) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    failure.scrollIntoView({ block: "nearest" });
    say(failure.textContent);
  }, true);
  function toMarkdown() {
    try {
      return text.toMarkdown(view.state.doc).text;
    } catch (error) {
      reportError(error);
      text.forget();
      return text.toMarkdown(view.state.doc).text;
    }
  }
  function writeField() {
    let markdown;
    try {
      markdown = toMarkdown();
    } catch (error) {
      reportError(error);
      showFailure(gettext("Not saved: the editor cannot write this text. Undo your last change, or copy your text and reload the page."));
      return;
    }
    showFailure("");
    if (markdown === field.value) return;
    isOwn = true;
    field.value = markdown;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    isOwn = false;
  }
  function readField() {
    const tr = closeHistory(view.state.tr).setMeta("readField", true);
    let isChanged;
    try {
      isChanged = text.replaceText(tr, field.value);
    } catch (error) {
      reportError(error);
      text.forget();
      view.updateState(makeState());
    }
    showFailure("");
    if (isChanged) view.dispatch(tr);
  }
  // Page Up and Page Down: the height of the window less two lines, so that no line is skipped.
  const turnPage = (step, isSelecting = false) => (state, dispatch) => {
    if (!dispatch) return true;
    const { top, bottom } = visible();
    const lineHeight = parseFloat(getComputedStyle(body).lineHeight) || 24;
    const caret = view.coordsAtPos(state.selection.head);
    const height = Math.max(bottom - top - 2 * lineHeight, lineHeight);
    const scroller = host.scrollHeight > host.clientHeight ? host : document.scrollingElement;
    const before = scroller.scrollTop;
    scroller.scrollTop += step * height;
    const moved = scroller.scrollTop - before;
    // At the end of the text, only the caret moves.
    const y = (caret.top + caret.bottom) / 2 + (Math.abs(moved) < 1 ? step * height : 0);
    const found = view.posAtCoords({ left: caret.left, top: Math.min(Math.max(y, top + lineHeight), bottom - lineHeight) })?.pos;
    const isEnd = Math.abs(moved) < 1 && (step < 0 ? y < top : y > bottom);
    const edge = step < 0 ? TextSelection.atStart(state.doc) : TextSelection.atEnd(state.doc);
    const target = isEnd || found === undefined ? edge : TextSelection.near(state.doc.resolve(found), step);
    dispatch(state.tr.setSelection(isSelecting ? TextSelection.between(state.selection.$anchor, target.$head) : target));
    return true;
  };
  const handlers = {
    save: () => form.dispatchEvent(new CustomEvent("editor:save", { bubbles: true, cancelable: true })),
    send: () => form.dispatchEvent(new CustomEvent("editor:send", { bubbles: true, cancelable: true })),
    find: (replace) => form.dispatchEvent(new CustomEvent("editor:find", { bubbles: true, cancelable: true, detail: { replace } })),
    link: () => windows.open("link", { href: currentLink(view.state)?.mark.attrs.href ?? "" }),
    source: () => windows.open("source"),
    picture: () => insert("figure"),
    insert: (button) => openPalette(button.getBoundingClientRect()),
    edit,
    print: () => document.querySelector("[data-print]")?.click(),
    check: () => form.dispatchEvent(new CustomEvent("editor:check", { bubbles: true, cancelable: true })),
    toolbar: () => { if (!selectionBar.focus()) bar.querySelector("[tabindex='0']").focus(); },
    dismiss: () => { selectionBar.dismiss(); },
    page: turnPage,
    // The buttons below the text, or the preview.
    leave() {
      const button = all("button", context).find((one) => one.offsetParent && !one.disabled);
      if (button) {
        button.focus();
        return;
      }
      const preview = editor.querySelector("[data-view]") ?? document.querySelector("[data-preview-pane] [data-view]");
      // The panel can cover the preview.
      const isShown = preview?.offsetParent && getComputedStyle(preview).visibility === "visible";
      (isShown ? preview : bar.querySelector("[tabindex='0']")).focus();
    },
    say: (sentence) => {
      say(sentence);
      contextLine.show(sentence);
    },
  };
  const plugins = [
    typingRules(),
    typingPlugin(openSearch),
    ...editorKeys(handlers),
    tableEditing(),
    dropCursor({ class: "drop-cursor" }),
    gapCursor(),
    history(),
    pastePlugin(text.parser, windows, listNotes, say),
    hintsPlugin(),
    promptsPlugin(),
    glossaryPlugin(text),
    problemMarksPlugin(text, say),
    findMarks,
    tidyPlugin(),
  ];
  const makeState = (markdown = field.value) => EditorState.create({ doc: withTrailingParagraph(text.read(markdown)), plugins });
  const block = (View) => (node, editorView, getPos) => new View(node, editorView, getPos, shared);
  const splitUndo = createUndoSplitter();
  const label = document.querySelector(`label[for="${field.id}"]`)?.textContent.trim().replace(/:$/, "") ?? gettext("Text");
  const body = Object.assign(document.createElement("div"), { className: "text" });
  // The fields above the text scroll with it (editor/mode.js).
  root.append(document.createElement("slot"), body);
  allowExtending(root.getSelection?.());
  const styles = await stylesReady;
  root.adoptedStyleSheets = styles;
  shared.styles = styles;
  const view = new EditorView({ mount: body }, {
    state: makeState(),
    // The sticky toolbar, and the button and the line at the bottom of a small screen, cover the text.
    scrollMargin: { top: 64, bottom: 112, left: 0, right: 0 },
    scrollThreshold: { top: 64, bottom: 112, left: 0, right: 0 },
    attributes: () => ({
      role: "textbox", "aria-multiline": "true", "aria-label": label, class: "text prose page__body", lang: languageOf(field), spellcheck: "true",
    }),
    nodeViews: {
      card: block(CardView), source: block(CardView), citation: block(CitationView), value: block(ValueView),
      ...Object.fromEntries(Object.values(CONTAINERS).map((name) => [name, block(ContainerView)])),
    },
    dispatchTransaction(tr) {
      if (!this.composing) splitUndo(tr);
      this.updateState(this.state.apply(tr));
      if (tr.docChanged && !tr.getMeta("readField")) writeField();
      announceSoon();
    },
    handleDOMEvents: {
      // The input events of the field are enough; otherwise the form would handle every keystroke twice.
      input: (_, event) => { event.stopPropagation(); },
      click: (_, event) => { if (event.target.closest?.("a")) event.preventDefault(); },
    },
  });
  body.addEventListener("focusin", () => {
    host.setAttribute("data-used", "");
    announceSoon();
  }, { once: true });
  host.setAttribute("data-ready", "");
  const bar = editor.querySelector("[data-visual-bar]");
  const updateToolbar = createToolbar(bar, view, handlers);
  const context = editor.querySelector("[data-visual-context]");
  const contextLine = createContextLine(context, view, shared);
  // The part of the window in which text can be seen: the toolbar and the line below the text can be sticky.
  const visible = () => {
    const frame = host.getBoundingClientRect();
    return {
      top: Math.max(frame.top, bar.getBoundingClientRect().bottom),
      bottom: Math.min(frame.bottom, context.getBoundingClientRect().top, innerHeight),
    };
  };
  const selectionBar = createSelectionBar(root, view, { visible, openLink: handlers.link });
  const dragHandle = createDragHandle(root, view, { visible, say });
  editor.addEventListener("editor:preview", ({ detail: { terms } }) => view.dispatch(view.state.tr.setMeta("terms", terms)));
  editor.addEventListener("editor:problems", ({ detail }) => view.dispatch(view.state.tr.setMeta("problems", detail)));
  field.addEventListener("input", () => { if (!isOwn && mode.mode() === "visual") readField(); });
  mode.whenVisual(readField);
  field.addEventListener("invalid", (event) => {
    if (mode.mode() !== "visual") return;
    event.preventDefault();
    say(gettext("Enter the page text."));
    view.focus();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name !== "language") return;
    names.load();
    view.updateState(makeState());
  });
  names.load();

  // Outside a text field, these keys would undo in the field that was used last, such as the title.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !(event.ctrlKey || event.metaKey) || event.altKey || mode.mode() !== "visual") return;
    const key = event.key.toLowerCase();
    const isUndo = key === "z" && !event.shiftKey;
    if (!isUndo && key !== "y" && key !== "z") return;
    const [target] = event.composedPath();
    if (target.isContentEditable || target.matches?.(TEXT_FIELDS)) return;
    event.preventDefault();
    if (document.querySelector("dialog[open]")) return;
    (isUndo ? undo : redo)(view.state, view.dispatch);
  });

  // ---- Undo after saving ----
  const pageKey = form.elements.page?.value ?? "";
  const past = takeUndo(field.value, pageKey);
  function restoreUndo() {
    view.updateState(makeState(past[0]));
    [...past.slice(1), field.value].forEach((markdown) => {
      const tr = closeHistory(view.state.tr).setMeta("readField", true);
      if (text.replaceText(tr, markdown)) view.dispatch(tr);
    });
    return text.toMarkdown(view.state.doc).text === field.value;
  }
  if (past.length && !restoreUndo()) {
    text.forget();
    view.updateState(makeState());
  }
  form.addEventListener("submit", () => {
    // A save that stays on the screen needs no memory.
    if (mode.mode() === "visual" && (form.dataset.leaving || !form.dataset.guarded)) storeUndo(view.state, (doc) => text.toMarkdown(doc).text, pageKey);
  });

  // ---- For others ----
  const position = (offset) => text.position(view.state.doc, offset);
  function select(from, to = from) {
    const { doc, tr } = view.state;
    const target = doc.nodeAt(from);
    const isBlockAtom = target?.isAtom && target.isBlock;
    const selection = isBlockAtom ? NodeSelection.create(doc, from) : TextSelection.between(doc.resolve(from), doc.resolve(to));
    view.dispatch(tr.setSelection(selection).scrollIntoView());
    view.focus();
    const place = view.coordsAtPos(view.state.selection.from);
    const frame = host.getBoundingClientRect();
    // On a small screen, the window scrolls.
    if (host.scrollHeight > host.clientHeight) {
      host.scrollTop += place.top - frame.top - frame.height / 3;
      host.scrollIntoView({ block: "nearest" });
    } else window.scrollBy(0, place.top - innerHeight / 3);
  }
  function goTo(offset) {
    const { pos, node, blockPos } = position(offset);
    select(node.isAtom ? blockPos : pos);
  }
  const matches = (query, options) => findMatches(view.state.doc, query, options);
  const replacement = (tr, { from, to }, words) => {
    const own = tr.doc.resolve(from).marksAcross?.(tr.doc.resolve(to)) ?? tr.doc.resolve(from + 1).marks();
    return words ? tr.replaceWith(from, to, schema.text(words, own)) : tr.delete(from, to);
  };
  const wordsLike = ({ from, to }, words, query) => keepCapital(view.state.doc.textBetween(from, to), words, query);
  const visual = {
    goToLine: (line) => goTo(offsetOfLine(field.value, line)),
    goToOffset: goTo,
    currentLine: () => text.line(view.state.doc, view.state.selection.from),
    insertBlock: (name) => (blocks[name] ? insert(name) : windows.open(name)),
    find: (query, options) => matches(query, options).map(({ from, to }) => ({ line: text.line(view.state.doc, from), from, to })),
    select: ({ from, to }) => select(from, to),
    replace: (match, words, query) => view.dispatch(replacement(view.state.tr, match, wordsLike(match, words, query))),
    markMatches: (query, current) => view.dispatch(view.state.tr.setMeta(findMarks.key, { query, current })),
    replaceAll(query, words, options) {
      const found = matches(query, options).reverse();
      if (found.length) view.dispatch(found.reduce((tr, match) => replacement(tr, match, wordsLike(match, words, query)), view.state.tr));
      return found.length;
    },
    undo: () => { undo(view.state, view.dispatch); view.focus(); },
    redo: () => { redo(view.state, view.dispatch); view.focus(); },
    canUndo: () => undoDepth(view.state) > 0,
    canRedo: () => redoDepth(view.state) > 0,
    focus() {
      selectFirstPrompt(view);
      view.focus();
    },
    // Open the form of the block, link, or source in a line that refers to ``key``.
    editReference(line, key) {
      const { node, blockPos } = position(offsetOfLine(field.value, line));
      if (node.isAtom) {
        edit(node, blockPos);
        return;
      }
      let isFound = false;
      node.descendants((child, offset) => {
        const pos = blockPos + 1 + offset;
        const link = child.marks.find(({ type }) => type === marks.link);
        if (isFound || !(link?.attrs.href.includes(key) || (child.type === nodes.citation && child.attrs.keys.includes(key)))) return;
        isFound = true;
        if (!link) {
          edit(child, pos);
          return;
        }
        select(pos, pos + child.nodeSize);
        windows.open("link", { href: link.attrs.href });
      });
      if (!isFound) goTo(offsetOfLine(field.value, line));
    },
    // By the block and the place in it, because empty paragraphs are not saved.
    caret() {
      const { from, to } = view.state.selection;
      const { places } = text.toMarkdown(view.state.doc);
      const index = places.findLastIndex(({ pos }) => pos <= from);
      const start = places[index]?.pos ?? 0;
      return { index, from: from - start, to: to - start };
    },
    setCaret({ index, from, to }) {
      const { doc, tr } = view.state;
      const place = text.toMarkdown(doc).places[index];
      view.focus();
      if (!place) return;
      const at = (offset) => doc.resolve(place.pos + Math.min(offset, place.node.nodeSize - 1));
      const isNode = place.node.isAtom && from === 0;
      view.dispatch(tr.setSelection(isNode ? NodeSelection.create(doc, place.pos) : TextSelection.between(at(from), at(to))).scrollIntoView());
    },
    scroller: () => host,
    linePlaces() {
      const { text: markdown, places } = text.toMarkdown(view.state.doc);
      let line = 1;
      let done = 0;
      return places.map(({ pos, from }) => {
        line += markdown.slice(done, from).split("\n").length - 1;
        done = from;
        return [line, view.nodeDOM(pos).offsetTop];
      });
    },
    // For the dialogs (insert_text.js).
    selectedText: () => {
      const { from, to } = view.state.selection;
      const link = currentLink(view.state);
      return link && from === to ? view.state.doc.textBetween(link.from, link.to) : view.state.doc.textBetween(from, to, " ");
    },
    // What a link would be on: as in Word, also the word with the cursor inside it.
    linkText() {
      const word = currentLink(view.state) ? undefined : currentWord(view.state);
      return word ? view.state.doc.textBetween(word.from, word.to) : visual.selectedText();
    },
    insertInline(markdown) {
      const read = text.parser.readOne(markdown);
      const { selection, tr } = view.state;
      const content = read?.isTextblock ? read.content : Fragment.from(schema.text(markdown));
      const isNode = selection instanceof NodeSelection;
      // A link around the selected words keeps their style.
      const link = content.childCount === 1 && content.firstChild.marks.find((mark) => mark.type === marks.link);
      const own = currentLink(view.state) ?? (link ? currentWord(view.state) : undefined);
      const range = selection.empty && own ? own : selection;
      if (link && (!selection.empty || own) && content.firstChild.text === view.state.doc.textBetween(range.from, range.to, " ")) {
        tr.removeMark(range.from, range.to, marks.link).addMark(range.from, range.to, link);
        view.dispatch(tr.setSelection(TextSelection.create(tr.doc, range.to)).removeStoredMark(marks.link));
      } else if (!isNode && !selection.$from.parent.inlineContent) {
        putBlock(view, nodes.paragraph.create(null, content));
      } else {
        // A source or a clinic detail after a word needs a space.
        const { $from } = selection;
        const isGlued = !isNode && selection.empty && content.firstChild.type === nodes.citation && $from.nodeBefore && !/\s$/.test($from.nodeBefore.text ?? " ");
        const whole = isGlued ? Fragment.from(schema.text(" ")).append(content) : content;
        tr.replace(range.from, range.to, new Slice(whole, 0, 0));
        tr.setSelection(TextSelection.create(tr.doc, tr.mapping.map(range.to)));
        view.dispatch(tr.removeStoredMark(marks.link).scrollIntoView());
      }
      view.focus();
    },
    insertBlocks(markdown) {
      const read = text.parser.read(markdown);
      if (!read.length) return;
      putBlock(view, Fragment.from(read));
      showNewBlock();
    },
    isShown: () => mode.mode() === "visual",
  };
  const api = createApi(field, {
    visual,
    source: sourceText(field, { openDialog: (name) => windows.open(blocks[name]?.dialog || name) }),
  }, mode);
  field.visualText = visual;
  editor.visualEditor = api;
  announce();
  return { view, text, api };
}
