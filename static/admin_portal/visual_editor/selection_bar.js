// The toolbar at selected words. It never takes the focus by itself: Tab or Alt+F10 goes there, Esc hides it.

import { gettext } from "../i18n.js";
import { roving } from "../editor/roving.js";
import { isActive, listOf, marks, setMark, setStyle, styleOf } from "./commands.js";
import { iconButton, keyName } from "./icons.js";
import { TextSelection } from "./libraries.js";
import { isPromptSelected } from "./prompts.js";

const GAP = 8; // pixels between the words and the toolbar

// ``visible``: returns {top, bottom} of the part of the window in which text can be seen; ``openLink``: opens the dialog.
export function createSelectionBar(root, view, { visible, openLink }) {
  const bar = Object.assign(document.createElement("div"), { className: "card__tools selection-bar", hidden: true });
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", gettext("Selected words"));
  const run = (command) => () => {
    command()(view.state, view.dispatch, view);
    view.focus();
  };
  const button = (name, drawing, act, keys) => iconButton(name, drawing, { act, className: "card__button", keys: keyName(keys) });
  const headingOrText = () => setStyle(styleOf(view.state) === "2" ? "paragraph" : "2");
  const buttons = {
    bold: button(gettext("Bold"), "bold", run(() => setMark(marks.strong)), "Ctrl+B"),
    italic: button(gettext("Italic"), "italic", run(() => setMark(marks.em)), "Ctrl+I"),
    link: button(gettext("Link"), "link", openLink, "Ctrl+K"),
    heading: button(gettext("Heading"), "heading", run(headingOrText), "Ctrl+Alt+1"),
  };
  bar.append(...Object.values(buttons));
  root.append(bar);
  const checkStop = roving(bar);
  let isPointerDown = false;
  let isTouch = false; // whether the selection was made by touch: then the system shows its own menu there
  let dismissed; // the selection at which the user hid the toolbar

  const canShow = ({ selection }) => selection instanceof TextSelection && !selection.empty && !isPointerDown && !isTouch
    && !(dismissed && selection.eq(dismissed)) && !isPromptSelected(view.state)
    && (view.hasFocus() || bar.contains(root.activeElement));

  // Above the words, or below them; nowhere if there is no room in view for either.
  function place({ from, to }) {
    const [start, end] = [view.coordsAtPos(from, 1), view.coordsAtPos(to, -1)];
    const { top, bottom } = visible();
    const { offsetHeight: height, offsetWidth: width } = bar;
    const above = start.top - height - GAP;
    const below = end.bottom + GAP;
    const y = above >= top ? above : below;
    if (y < top || y + height > bottom) return false;
    const { host } = root;
    const frame = host.getBoundingClientRect();
    const left = Math.min(start.left - frame.left, host.clientWidth - width - GAP);
    bar.style.insetBlockStart = `${y - frame.top + host.scrollTop}px`;
    bar.style.left = `${Math.max(GAP, left)}px`;
    return true;
  }
  function update(state = view.state) {
    const isShown = canShow(state);
    if (!isShown && bar.hidden) return;
    const hadFocus = bar.contains(root.activeElement);
    bar.hidden = !isShown;
    if (isShown) {
      Object.entries({
        bold: isActive(state, marks.strong), italic: isActive(state, marks.em), link: isActive(state, marks.link), heading: styleOf(state) === "2",
      }).forEach(([name, isPressed]) => buttons[name].setAttribute("aria-pressed", String(isPressed)));
      buttons.heading.disabled = Boolean(listOf(state)) || !headingOrText()(state);
      checkStop();
      bar.hidden = !place(state.selection);
    }
    if (bar.hidden && hadFocus) view.focus();
  }
  // Returns whether it was shown.
  function dismiss() {
    if (bar.hidden) return false;
    dismissed = view.state.selection;
    update();
    return true;
  }
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    dismiss();
  });
  view.dom.addEventListener("pointerdown", ({ pointerType }) => {
    [isPointerDown, isTouch, dismissed] = [true, pointerType === "touch", undefined];
    update();
  });
  view.dom.addEventListener("keydown", () => { isTouch = false; });
  ["pointerup", "pointercancel"].forEach((kind) => addEventListener(kind, () => {
    if (!isPointerDown) return;
    isPointerDown = false;
    // The click sets the selection after this event.
    requestAnimationFrame(() => update());
  }));
  root.addEventListener("focusin", () => update());
  root.addEventListener("focusout", () => requestAnimationFrame(() => update()));
  new ResizeObserver(() => update()).observe(view.dom);
  return {
    update,
    dismiss,
    // Returns whether it is shown.
    focus() {
      if (bar.hidden) return false;
      bar.querySelector("[tabindex='0']").focus();
      return true;
    },
  };
}
