// A toolbar is one stop for the Tab key, with arrow keys between its buttons.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

// Return a function for when buttons may have been disabled: the Tab key does not stop at those.
export function roving(bar) {
  const whole = [...bar.querySelectorAll("button, select")];
  const reach = (part) => whole.forEach((other) => { other.tabIndex = other === part ? 0 : -1; });
  bar.addEventListener("keydown", (event) => {
    // A select keeps its own keys up and down.
    if (!(event.key in STEPS) || (event.target.tagName === "SELECT" && /Up|Down/.test(event.key))) return;
    event.preventDefault();
    const parts = whole.filter((part) => !part.disabled && part.offsetParent);
    const part = parts[Math.min(Math.max(parts.indexOf(bar.getRootNode().activeElement) + STEPS[event.key], 0), parts.length - 1)];
    reach(part);
    part.focus();
  });
  bar.addEventListener("focusin", (event) => reach(event.target));
  reach(whole[0]);
  return () => {
    if (!whole.some((part) => part.tabIndex === 0 && !part.disabled)) reach(whole.find((part) => !part.disabled));
  };
}
