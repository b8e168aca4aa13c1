// Synchronized scrolling of text and preview, by the <!--line N--> comments that the renderer writes into a preview.

// Return the line that a comment of the renderer names; NaN for other nodes.
export const namedLine = (node) => Number(node.nodeType === Node.COMMENT_NODE ? /^line (\d+)$/.exec(node.data)?.[1] : NaN);

// Return the offset of each line in pixels, measured on a copy of the text that wraps like the field.
function textPlaces(field) {
  const look = getComputedStyle(field);
  const copy = document.createElement("div");
  copy.className = "editor__mirror";
  copy.style.font = look.font;
  copy.style.letterSpacing = look.letterSpacing;
  copy.style.tabSize = look.tabSize;
  copy.style.inlineSize = `${field.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight)}px`;
  copy.append(...field.value.split("\n").map((line) => Object.assign(document.createElement("div"), { textContent: line || " " })));
  field.after(copy);
  const places = [...copy.children].map((line) => line.offsetTop);
  copy.remove();
  return places;
}

function pagePlaces(doc) {
  const walker = doc.createTreeWalker(doc.body, NodeFilter.SHOW_COMMENT);
  const places = [];
  const top = doc.defaultView.scrollY;
  while (walker.nextNode()) {
    const line = namedLine(walker.currentNode);
    const part = line && walker.currentNode.nextElementSibling;
    if (part) places.push([line, part.getBoundingClientRect().top + top]);
  }
  // Blocks moved to the top of the page are out of order; use only lines that ascend in both.
  return places.filter(([line, y], at) => at === 0 || (line > places[at - 1][0] && y >= places[at - 1][1]));
}

function interpolate(pairs, from, to, value) {
  const next = pairs.findIndex((pair) => pair[from] > value);
  const [low, high] = next < 0 ? [pairs.at(-1), pairs.at(-1)] : [pairs[Math.max(0, next - 1)], pairs[next]];
  const span = high[from] - low[from];
  return span > 0 ? low[to] + ((value - low[from]) / span) * (high[to] - low[to]) : low[to];
}

const MEASURE_AFTER_MS = 1000; // after which positions in the visual editor are measured again, because its blocks grow when they load

// ``text``: the function of text.js.
export function startScroll(field, frame, text) {
  let pairs; // [pixels in the text, pixels in the page], ascending
  let measuredAt = 0;
  let leader = "text";
  let asked = false;
  const page = () => frame.contentDocument?.scrollingElement;
  const textBox = () => text().scroller();
  // Return a function from a line to its place in the text; undefined for a line that begins no block on screen.
  const linePlaces = (box) => {
    if (box !== field) {
      const places = new Map(text().linePlaces());
      return (line) => places.get(line);
    }
    const places = textPlaces(field);
    return (line) => places[line - 1];
  };
  const measure = (box) => {
    if (box !== field && performance.now() - measuredAt > MEASURE_AFTER_MS) pairs = undefined;
    if (pairs || !page() || !frame.contentDocument.body) return;
    const placeOf = linePlaces(box);
    pairs = [[0, 0], ...pagePlaces(frame.contentDocument).map(([line, y]) => [placeOf(line) ?? 0, y])
      .filter(([x, y]) => x > 0 && y > 0), [box.scrollHeight, page().scrollHeight]];
    measuredAt = performance.now();
  };
  // At either end, scroll both to that end; in between, align the top edges to the same line.
  const follow = () => {
    asked = false;
    const box = textBox();
    measure(box);
    if (!pairs) return;
    const there = page();
    const isAtEnd = (part) => part.scrollHeight - part.clientHeight - part.scrollTop < 2;
    if (leader === "text") {
      there.scrollTop = isAtEnd(box) && box.scrollTop > 0 ? there.scrollHeight : box.scrollTop === 0 ? 0 : interpolate(pairs, 0, 1, box.scrollTop);
    } else {
      box.scrollTop = isAtEnd(there) && there.scrollTop > 0 ? box.scrollHeight : there.scrollTop === 0 ? 0 : interpolate(pairs, 1, 0, there.scrollTop);
    }
  };
  const scheduleSync = (who) => () => {
    if (leader !== who || asked) return;
    asked = true;
    requestAnimationFrame(follow);
  };
  const setLeader = (who) => () => { leader = who; };
  const source = field.closest("[data-editor]");
  ["wheel", "pointerdown", "keydown", "touchstart", "focusin"].forEach((kind) => source.addEventListener(kind, setLeader("text"), { passive: true, capture: true }));
  // Scroll events do not bubble, but they can be captured.
  source.addEventListener("scroll", (event) => { if (event.target === textBox()) scheduleSync("text")(); }, { passive: true, capture: true });
  new ResizeObserver(() => { pairs = undefined; }).observe(field);
  source.addEventListener("editor:mode", () => { pairs = undefined; });
  return {
    // Call once for each document in the frame.
    watch() {
      const doc = frame.contentDocument;
      ["wheel", "pointerdown", "keydown", "touchstart"].forEach((kind) => doc.addEventListener(kind, setLeader("page"), { passive: true }));
      doc.addEventListener("scroll", scheduleSync("page"), { passive: true });
    },
    // Call after each change to the page.
    renew({ keep = false } = {}) {
      pairs = undefined;
      if (!keep) follow();
    },
  };
}
