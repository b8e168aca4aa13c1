// Editor icons: our own drawings on a 20 × 20 grid, with one line width.

const DRAWINGS = {
  undo: "M4 8h8a4 4 0 0 1 0 8H8M4 8l4-4M4 8l4 4",
  redo: "M16 8H8a4 4 0 0 0 0 8h4M16 8l-4-4M16 8l-4 4",
  bold: "M6 4h5a3 3 0 0 1 0 6H6zM6 10h6a3 3 0 0 1 0 6H6z",
  italic: "M9 4h6M5 16h6M12 4 8 16",
  bullets: "M8 5h9M8 10h9M8 15h9M3.5 5h.01M3.5 10h.01M3.5 15h.01",
  numbers: "M8 5h9M8 10h9M8 15h9M3 3.5l1-.5v4M3 9h1.5v1L3 12h1.5M3 14h1.5v3H3M4.5 15.5H3.5",
  indent: "M3 4h14M9 8h8M9 12h8M3 16h14M3 8l3 2-3 2z",
  outdent: "M3 4h14M9 8h8M9 12h8M3 16h14M6 8l-3 2 3 2z",
  link: "M8 12l4-4M9 6l1.5-1.5a3.2 3.2 0 0 1 5 5L14 11M11 14l-1.5 1.5a3.2 3.2 0 0 1-5-5L6 9",
  source: "M4 4h9a3 3 0 0 1 3 3v9H7a3 3 0 0 1-3-3zM7 8h6M7 11h4",
  picture: "M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 4M13 7.5h.01",
  table: "M3 4h14v12H3zM3 8h14M3 12h14M8 4v12M13 4v12",
  plus: "M10 4v12M4 10h12",
  up: "M10 16V4M5 9l5-5 5 5",
  down: "M10 4v12M5 11l5 5 5-5",
  previous: "M12 4l-6 6 6 6",
  next: "M8 4l6 6-6 6",
  copy: "M7 7h9v9H7zM4 13V4h9",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4M11.5 9v4",
  edit: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  word: "M4 4h5a2 2 0 0 1 1 2v10a2 2 0 0 0-1-1H4zM16 4h-5a2 2 0 0 0-1 2v10a2 2 0 0 1 1-1h5z",
  value: "M5 3h3l1.5 4L8 8.5a8 8 0 0 0 3.5 3.5L13 10.5l4 1.5v3a2 2 0 0 1-2 2A12 12 0 0 1 3 5a2 2 0 0 1 2-2z",
  fold: "M4 5h12M4 9h7M5 13l3 3 3-3",
  markdown: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  text: "M4 5h12M10 5v11M8 16h4",
  heading: "M5 4v12M15 4v12M5 10h10",
  quote: "M4 6h4v4c0 2-1 3-3 4M12 6h4v4c0 2-1 3-3 4",
  row: "M3 4h14v5H3zM10 12v5M7.5 14.5h5",
  column: "M4 3h5v14H4zM12 10h5M14.5 7.5v5",
  "remove-row": "M3 4h14v5H3zM7.5 14.5h5",
  "remove-column": "M4 3h5v14H4zM12 10h5",
  figure: "M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 4M13 7.5h.01",
  compare: "M3 4h14v12H3zM10 3v14M7 8l-2 2 2 2M13 8l2 2-2 2",
  series: "M3 6h10v10H3zM6 6V3h11v10h-4M6 11h4",
  "key-points": "M10 3l2 4.5 5 .5-3.7 3.300 1 4.9L10 13.7 5.7 16.2l1-4.9L3 8l5-.5z",
  "warning-signs": "M10 3l8 14H2zM10 8v4M10 14.5h.01",
  call: "M5 3h3l1.5 4L8 8.5a8 8 0 0 0 3.5 3.5L13 10.5l4 1.5v3a2 2 0 0 1-2 2A12 12 0 0 1 3 5a2 2 0 0 1 2-2z",
  note: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 9v5M10 6.5h.01",
  steps: "M3 16h4v-4h4V8h4V4h3",
  do: "M4 10l4 4 8-9",
  dont: "M5 5l10 10M15 5L5 15",
  checklist: "M3 4h4v4H3zM3 12h4v4H3zM10 6h7M10 14h7",
  chance: "M4 4h.01M8 4h.01M12 4h.01M16 4h.01M4 8h.01M8 8h.01M12 8h.01M16 8h.01M4 12h.01M8 12h.01M12 12h.01M16 12h.01M4 16h.01M8 16h.01M12 16h.01M16 16h.01",
  choices: "M3 4h6v12H3zM11 4h6v12h-6zM5 8h2M13 8h2M5 11h2M13 11h2",
  scale: "M3 10h14M3 7v6M17 7v6M10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  care: "M4 4h12v12H4zM4 8h12M9 8v8",
  locations: "M10 17s-5-5-5-9a5 5 0 0 1 10 0c0 4-5 9-5 9zM10 6.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
  phones: "M6 2h8v16H6zM9 15h2",
  pictures: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z",
  glossary: "M4 4h5a2 2 0 0 1 1 2v10a2 2 0 0 0-1-1H4zM16 4h-5a2 2 0 0 0-1 2v10a2 2 0 0 1 1-1h5z",
  "reading-levels": "M4 16v-4M8 16V9M12 16V6M16 16V3",
  block: "M4 4h12v12H4z",
  grip: "M7 4h.01M13 4h.01M7 10h.01M13 10h.01M7 16h.01M13 16h.01",
};

export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("class", "editor-icon");
  drawing.setAttribute("viewBox", "0 0 20 20");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", DRAWINGS[name] ?? DRAWINGS.block);
  drawing.append(line);
  return drawing;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
export const keyName = (keys) => (isMac ? keys.replace("Ctrl+", "⌘").replace("Alt+", "⌥").replace("Shift+", "⇧") : keys);

// A button with an icon. ``words``: whether its name is on it; otherwise it is a tooltip.
export function iconButton(name, drawing, { act, className = "editor-button", words = false, keys = "" } = {}) {
  const button = Object.assign(document.createElement("button"), { type: "button", className });
  button.append(icon(drawing));
  if (words) button.append(Object.assign(document.createElement("span"), { textContent: name }));
  else button.setAttribute("aria-label", name);
  const tip = keys ? `${name} (${keys})` : name;
  // A narrow column hides the words.
  button.title = tip;
  // The text keeps its selection.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  if (act) button.addEventListener("click", () => act());
  return button;
}
