// Synchronized scrolling of text and preview, by the <!--line N--> comments that the renderer writes into a preview.

const LINE = /^line (\d+)$/;

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
    const line = LINE.exec(walker.currentNode.data);
    const part = line && walker.currentNode.nextElementSibling;
    if (part) places.push([Number(line[1]), part.getBoundingClientRect().top + top]);
  }
  // Blocks moved to the top of the page are out of order; use only lines that ascend in both.
  return places.filter(([line, y], at) => at === 0 || (line > places[at - 1][0] && y >= places[at - 1][1]));
}

function between(pairs, from, to, value) {
  const next = pairs.findIndex((pair) => pair[from] > value);
  const [low, high] = next < 0 ? [pairs.at(-1), pairs.at(-1)] : [pairs[Math.max(0, next - 1)], pairs[next]];
  const span = high[from] - low[from];
  return span > 0 ? low[to] + ((value - low[from]) / span) * (high[to] - low[to]) : low[to];
}

export function startScroll(field, frame) {
  let pairs; // [pixels in the text, pixels in the page], ascending
  let leader = "text";
  let asked = false;
  const page = () => frame.contentDocument?.scrollingElement;
  const measure = () => {
    if (pairs || !page() || !frame.contentDocument.body) return;
    const text = textPlaces(field);
    pairs = [[0, 0], ...pagePlaces(frame.contentDocument).map(([line, y]) => [text[line - 1] ?? 0, y])
      .filter(([x, y]) => x > 0 && y > 0), [field.scrollHeight, page().scrollHeight]];
  };
  // At either end, scroll both to that end; in between, align the top edges to the same line.
  const follow = () => {
    asked = false;
    measure();
    if (!pairs) return;
    const there = page();
    const ends = (box) => box.scrollHeight - box.clientHeight - box.scrollTop < 2;
    if (leader === "text") {
      there.scrollTop = ends(field) && field.scrollTop > 0 ? there.scrollHeight : field.scrollTop === 0 ? 0 : between(pairs, 0, 1, field.scrollTop);
    } else {
      field.scrollTop = ends(there) && there.scrollTop > 0 ? field.scrollHeight : there.scrollTop === 0 ? 0 : between(pairs, 1, 0, there.scrollTop);
    }
  };
  const soon = (who) => () => {
    if (leader !== who || asked) return;
    asked = true;
    requestAnimationFrame(follow);
  };
  const lead = (who) => () => { leader = who; };
  ["wheel", "pointerdown", "keydown", "touchstart", "focus"].forEach((kind) => field.addEventListener(kind, lead("text"), { passive: true }));
  field.addEventListener("scroll", soon("text"), { passive: true });
  new ResizeObserver(() => { pairs = undefined; }).observe(field);
  return {
    // Call once for each document in the frame.
    watch() {
      const doc = frame.contentDocument;
      ["wheel", "pointerdown", "keydown", "touchstart"].forEach((kind) => doc.addEventListener(kind, lead("page"), { passive: true }));
      doc.addEventListener("scroll", soon("page"), { passive: true });
    },
    // Call after each change to the page.
    renew({ keep = false } = {}) {
      pairs = undefined;
      if (!keep) follow();
    },
  };
}
