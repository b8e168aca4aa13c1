// How blocks, citations, and clinic values look and work in the text.

import { format, gettext } from "../i18n.js";
import { icon, iconButton, keyName } from "./icons.js";
import { NodeSelection, TextSelection, closeHistory } from "./libraries.js";

const blockSource = ({ attrs: { name, options } }) => `::: ${name}${options && ` ${options}`}`;

function element(tag, className, attributes = {}) {
  const made = Object.assign(document.createElement(tag), { className });
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

// Move a block to another place between blocks, ``target``, as it is: it keeps its Markdown. Returns where it is then, or
// undefined if it is there already.
export function moveBlockTo(view, pos, target) {
  const { state } = view;
  const node = state.doc.nodeAt(pos);
  if (target >= pos && target <= pos + node.nodeSize) return undefined;
  const to = target > pos ? target - node.nodeSize : target;
  const offset = state.selection.from - pos;
  const tr = closeHistory(state.tr).delete(pos, pos + node.nodeSize).insert(to, node);
  if (offset >= 0 && offset < node.nodeSize) {
    const isNode = state.selection instanceof NodeSelection;
    tr.setSelection(isNode ? NodeSelection.create(tr.doc, to + offset) : TextSelection.near(tr.doc.resolve(to + offset)));
  }
  view.dispatch(tr.scrollIntoView());
  return to;
}

// Move a block past its neighbor. Returns whether it has one.
export function moveBlock(view, pos, step) {
  const $pos = view.state.doc.resolve(pos);
  const other = $pos.parent.maybeChild($pos.index() + step);
  if (!other) return false;
  moveBlockTo(view, pos, step < 0 ? pos - other.nodeSize : pos + $pos.nodeAfter.nodeSize + other.nodeSize);
  return true;
}

export function duplicateBlock(view, pos) {
  const node = view.state.doc.nodeAt(pos);
  // Anchors are unique; document.js keeps that of the first section.
  view.dispatch(closeHistory(view.state.tr).insert(pos + node.nodeSize, node).scrollIntoView());
}

export function deleteBlock(view, pos) {
  const node = view.state.doc.nodeAt(pos);
  const $pos = view.state.doc.resolve(pos);
  const tr = closeHistory(view.state.tr);
  if ($pos.parent.childCount === 1) tr.replaceWith(pos, pos + node.nodeSize, view.state.schema.node("paragraph"));
  else tr.delete(pos, pos + node.nodeSize);
  view.dispatch(tr.setSelection(TextSelection.near(tr.doc.resolve(Math.min(pos, tr.doc.content.size)))).scrollIntoView());
}

// The row of buttons above a block. ``name``: what the block is called.
function blockTools(name, getPos, view, edit) {
  const act = (run) => () => {
    run(view, getPos());
    view.focus();
  };
  const tools = element("div", "card__tools", { role: "toolbar", "aria-label": name });
  const labels = [
    edit && [gettext("Edit"), "edit", edit, "Alt+Enter"],
    [gettext("Move up"), "up", act((_, pos) => moveBlock(view, pos, -1)), "Alt+Shift+↑"],
    [gettext("Move down"), "down", act((_, pos) => moveBlock(view, pos, 1)), "Alt+Shift+↓"],
    [gettext("Duplicate"), "copy", act(duplicateBlock), ""],
    [gettext("Delete"), "trash", act(deleteBlock), ""],
  ];
  labels.filter(Boolean).forEach(([label, drawing, run, keys]) => {
    const button = iconButton(label, drawing, { act: run, className: "card__button", keys: keyName(keys) });
    button.tabIndex = -1;
    tools.append(button);
  });
  return tools;
}

// Disable interaction inside rendered blocks: links would leave the page.
function quiet(root) {
  root.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]").forEach((part) => { part.tabIndex = -1; });
}

function fragment(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content;
}

class Block {
  constructor(node, view, getPos, shared) {
    Object.assign(this, { node, view, getPos, shared });
    this.name = shared.nameOf(node);
    this.dom = element("div", "card", { role: "group", "aria-label": this.name });
    this.head = element("div", "card__head", { contenteditable: "false" });
    const label = element("span", "card__name");
    label.append(icon(node.attrs.name ?? "markdown"), this.name);
    this.head.append(label, blockTools(this.name, getPos, view, shared.canEdit(node) && (() => shared.edit(this.node, getPos()))));
    this.dom.append(this.head);
  }

  selectNode() {
    this.dom.classList.add("is-selected");
    this.letReach(true);
  }

  deselectNode() {
    this.dom.classList.remove("is-selected");
    this.letReach(false);
  }

  // The Tab key reaches only the buttons of the block with the cursor.
  letReach(isReachable) {
    this.head.querySelectorAll("button").forEach((button) => { button.tabIndex = isReachable ? 0 : -1; });
  }

  stopEvent(event) {
    return this.head.contains(event.target);
  }
}

// A block without text of its own, as the page shows it.
export class CardView extends Block {
  constructor(...given) {
    super(...given);
    this.dom.contentEditable = "false";
    this.look = element("div", this.shared.isLong(this.node) ? "card__rendered is-long" : "card__rendered");
    this.root = this.look.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = this.shared.styles;
    this.dom.append(this.look);
    this.dom.addEventListener("dblclick", () => { if (this.shared.canEdit(this.node)) this.shared.edit(this.node, this.getPos()); });
    this.look.addEventListener("click", (event) => event.preventDefault());
    this.shared.shown.add(this);
    this.show();
  }

  destroy() { this.shared.shown.delete(this); }

  show() {
    const source = this.node.type.name === "source" ? this.node.attrs.text : blockSource(this.node);
    this.shared.render(source, (html) => {
      const box = element("div", "prose");
      if (html) box.append(fragment(html));
      else box.append(Object.assign(element("p", "missing"), { textContent: this.missing(html) }));
      quiet(box);
      this.root.replaceChildren(box);
    });
  }

  missing(html) {
    if (html === undefined) return gettext("This block cannot be shown now. It stays in the text.");
    return this.node.type.name === "source" ? this.node.attrs.text : gettext("Patients won’t see anything here, because this block refers to something that doesn’t exist. Select Edit to fix it.");
  }

  update(node) {
    if (node.type !== this.node.type || node.attrs.name !== this.node.attrs.name) return false;
    const isChanged = node.attrs.options !== this.node.attrs.options || node.attrs.text !== this.node.attrs.text;
    this.node = node;
    if (isChanged) this.show();
    return true;
  }

  ignoreMutation() { return true; }
}

// A block with text, which is edited where the page shows it.
export class ContainerView extends Block {
  constructor(...given) {
    super(...given);
    this.contentDOM = element("div", "card__content");
    this.frame = element("div", "card__frame prose");
    this.frame.append(this.contentDOM);
    this.dom.append(this.frame);
    this.dom.dataset.content = this.node.type.name;
    if (this.node.type.name !== "options_block") this.show();
  }

  show() {
    this.shared.render(`${blockSource(this.node)}\n:::`, (html) => {
      if (!html) return;
      const parts = fragment(html);
      const place = parts.querySelector("[data-content]");
      if (!place) return;
      quiet(parts);
      const root = element("div", "card__frame prose");
      place.replaceWith(this.contentDOM);
      root.append(parts);
      // Everything outside the editable area is non-editable.
      for (let part = this.contentDOM; part !== root; part = part.parentNode) {
        [...part.parentNode.children].filter((other) => other !== part).forEach((other) => other.setAttribute("contenteditable", "false"));
      }
      // IDs are for links from elsewhere, and there are none here.
      root.querySelectorAll("[id]").forEach((part) => this.rename(root, part));
      this.frame.replaceWith(root);
      this.frame = root;
      this.shared.restoreSelection();
    });
  }

  // Two blocks of the same kind must not share IDs, because drawings refer to their patterns by ID.
  rename(root, part) {
    this.shared.count += 1;
    const [old, id] = [part.id, `block-${this.shared.count}`];
    part.id = id;
    root.querySelectorAll("[fill], [aria-labelledby]").forEach((reference) => {
      if (reference.getAttribute("fill") === `url(#${old})`) reference.setAttribute("fill", `url(#${id})`);
      if (reference.getAttribute("aria-labelledby") === old) reference.setAttribute("aria-labelledby", id);
    });
  }

  update(node, decorations) {
    if (node.type !== this.node.type || node.attrs.name !== this.node.attrs.name) return false;
    const isChanged = node.attrs.options !== this.node.attrs.options;
    this.node = node;
    this.letReach(decorations.some((decoration) => decoration.spec.isHere));
    if (isChanged) this.show();
    return true;
  }

  ignoreMutation(mutation) {
    return mutation.type !== "selection" && !this.contentDOM.contains(mutation.target);
  }
}

class Chip {
  constructor(node, view, getPos, shared) {
    Object.assign(this, { node, shared });
    this.dom = element("span", `chip chip--${node.type.name}`, { contenteditable: "false" });
    this.dom.addEventListener("dblclick", () => shared.edit(this.node, getPos()));
    this.show();
    this.unsubscribe = shared.onNames(() => this.show());
  }

  update(node) {
    if (node.type !== this.node.type) return false;
    this.node = node;
    this.show();
    return true;
  }

  ignoreMutation() { return true; }

  destroy() { this.unsubscribe(); }
}

export class CitationView extends Chip {
  show() {
    const keys = this.node.attrs.keys.split(/\s*;\s*@/);
    const rows = keys.map((key) => this.shared.names.find("sources", key));
    const isUnknown = this.shared.names.isLoaded() && rows.some((row) => !row);
    const short = rows.map((row, at) => row?.more ?? (isUnknown ? format(gettext("unknown source “%(key)s”"), { key: keys[at] }) : gettext("Source")));
    this.dom.replaceChildren(icon("source"), Object.assign(element("span", "chip__name"), { textContent: short.join("; ") }));
    this.dom.title = rows.map((row) => row?.name ?? "").filter(Boolean).join("; ");
    this.dom.classList.toggle("is-unknown", isUnknown);
  }
}

export class ValueView extends Chip {
  show() {
    const row = this.shared.names.find("values", this.node.attrs.name);
    const isUnknown = this.shared.names.isLoaded() && !row;
    const label = this.shared.valueLabels[this.node.attrs.name];
    this.dom.textContent = row?.more || label || format(gettext("unknown clinic value “%(name)s”"), { name: this.node.attrs.name });
    this.dom.title = label ?? "";
    this.dom.classList.toggle("is-unknown", isUnknown);
  }
}
