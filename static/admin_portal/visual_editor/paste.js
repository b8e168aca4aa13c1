// Pasting into the visual editor: what the clipboard has becomes Markdown as in Source mode, and then blocks of the text.

import { gettext } from "../i18n.js";
import { encodeAddress, isAllowed, withScheme } from "../editor/addresses.js";
import { BULLET, NUMBER, isLone, listNumber } from "../editor/lists.js";
import { readClipboard, spaceAround } from "../editor/paste.js";
import { DOMSerializer, Fragment, Plugin, Slice, TextSelection, closeHistory } from "./libraries.js";
import { schema } from "./schema.js";

const { nodes, marks } = schema;

const paragraph = (text) => nodes.paragraph.create(null, text ? schema.text(text) : null);

// Return the blocks of plain text: lists where lines begin as items do, and otherwise a paragraph for each line.
function plainBlocks(text) {
  const blocks = [];
  const lines = text.replace(/\r\n?/g, "\n").replace(/\t/g, " ").split("\n").filter((line) => line.trim());
  const numbers = lines.map(listNumber);
  lines.forEach((line, at) => {
    const isBullet = BULLET.test(line);
    if (!isBullet && !(numbers[at] >= 0 && !isLone(numbers, at))) {
      blocks.push(paragraph(line.trim()));
      return;
    }
    const type = isBullet ? nodes.bullet_list : nodes.ordered_list;
    const item = nodes.list_item.create(null, paragraph(line.replace(isBullet ? BULLET : NUMBER, "").trim()));
    const last = blocks.at(-1);
    const isNext = last?.type === type && (isBullet || numbers[at] === last.attrs.start + last.childCount);
    if (isNext) blocks[blocks.length - 1] = last.copy(last.content.addToEnd(item));
    else blocks.push(type.create(isBullet ? null : { start: numbers[at] }, item));
  });
  return blocks;
}

// Return a slice that joins the text around it, if it begins or ends with a paragraph.
function toSlice(blocks) {
  const content = Fragment.from(blocks);
  const open = (node) => (node?.type === nodes.paragraph ? 1 : 0);
  return new Slice(content, open(content.firstChild), open(content.lastChild));
}

// Tag our own clipboard HTML, because other ProseMirror editors have different schemas.
const OWN_CLIPBOARD_ATTRIBUTE = "data-plainspine";
const serializer = DOMSerializer.fromSchema(schema);
const clipboardSerializer = {
  serializeFragment(fragment, options) {
    const dom = serializer.serializeFragment(fragment, options);
    dom.firstElementChild?.setAttribute(OWN_CLIPBOARD_ATTRIBUTE, "");
    return dom;
  },
};

// ``list``: shows what a paste has left out. ProseMirror must not read foreign HTML itself: it would apply its styles, which
// the content policy forbids, and drop what it does not know without a word.
export function pastePlugin(parser, windows, list, say) {
  // Returns whether it took in what ``data`` holds.
  function insertClipboard(view, data) {
    const plain = data?.getData("text/plain") ?? "";
    const html = data?.getData("text/html") ?? "";
    const { selection, tr } = view.state;
    closeHistory(tr);
    if (html.includes(` ${OWN_CLIPBOARD_ATTRIBUTE}=`)) return false;
    const address = plain.trim();
    const href = /^www\.[^\s.]+\.\S/i.test(address) ? withScheme(address) : address;
    if (isAllowed(href) && !/\s/.test(address) && selection.$from.parent.inlineContent && selection.$from.sameParent(selection.$to)) {
      const mark = marks.link.create({ href: encodeAddress(href) });
      if (!selection.empty) view.dispatch(tr.addMark(selection.from, selection.to, mark));
      else view.dispatch(tr.replaceSelectionWith(schema.text(address, [mark]), false).removeStoredMark(marks.link));
      return true;
    }
    const { picture, made } = readClipboard(data, windows.upload);
    if (picture && !made.markdown) {
      windows.upload.open(picture);
      return true;
    }
    const isPlain = !made.markdown;
    const blocks = isPlain ? plainBlocks(plain) : parser.read(made.markdown);
    const isInline = isPlain ? blocks.length === 1 && blocks[0].type === nodes.paragraph : made.isInline;
    if (isInline && blocks.length === 1 && blocks[0].isTextblock) {
      const [before, after] = spaceAround(plain).map((space) => (space ? [schema.text(space)] : []));
      const content = Fragment.fromArray([...before, ...blocks[0].content.content, ...after]);
      view.dispatch(tr.replaceSelection(new Slice(content, 0, 0)).scrollIntoView());
    } else if (blocks.length) view.dispatch(tr.replaceSelection(toSlice(blocks)).scrollIntoView());
    list(made.notes);
    if (!isPlain) say(gettext("The pasted text was converted to this page’s styles. Press Ctrl+Z to undo."));
    return true;
  }
  return new Plugin({
    props: {
      clipboardSerializer,
      clipboardTextSerializer: (slice) => slice.content.textBetween(0, slice.content.size, "\n\n", (leaf) => leaf.attrs.name ?? leaf.attrs.keys ?? ""),
      handleDOMEvents: {
        paste(view, event) {
          if (!insertClipboard(view, event.clipboardData)) return false;
          event.preventDefault();
          return true;
        },
        drop(view, event) {
          // Dragged within the text.
          if (view.dragging) return false;
          const place = view.posAtCoords({ left: event.clientX, top: event.clientY });
          if (place) view.dispatch(view.state.tr.setSelection(TextSelection.near(view.state.doc.resolve(place.pos))));
          insertClipboard(view, event.dataTransfer);
          event.preventDefault();
          view.focus();
          return true;
        },
      },
    },
  });
}
