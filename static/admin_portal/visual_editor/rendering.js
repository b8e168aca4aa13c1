// What the server renders for the editor: blocks, and the style sheets of the public pages.

import { getJson, postForm } from "../editor/api.js";
import { languageOf } from "../editor/form.js";

const IMPORT = /@import url\("([^"]+)"\)(?: layer\(([a-z]+)\))?(?: ([^;]+))?;/g;

// Return the text of a style sheet with its imports inlined, because constructed style sheets cannot import.
async function wholeSheet(address) {
  const text = await (await fetch(address)).text();
  const parts = await Promise.all([...text.matchAll(IMPORT)].map(async ([rule, path, layer, media]) => {
    const inner = await wholeSheet(new URL(path, new URL(address, location.href)).href);
    const limited = media ? `@media ${media} {${inner}}` : inner;
    return [rule, layer ? `@layer ${layer} {${limited}}` : limited];
  }));
  return parts.reduce((whole, [rule, inner]) => whole.replace(rule, () => inner), text);
}

// In a shadow tree, map :root and body to :host.
const forHost = (text) => text.replace(/:root\b/g, ":host").replace(/(^|[};{,\s])body(?=\s*[{,])/g, "$1:host");

async function constructed(address, change = (text) => text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(change(await wholeSheet(address)));
  return sheet;
}

// Return the style sheets of the text: those of a public page, and the editor's own.
export function loadStyles({ styles, look }) {
  return Promise.all([...styles.map((address) => constructed(address, forHost)), constructed(look)]);
}

// Return a function render(source, show) that calls show(html) with the HTML of a ":::" block, now or later. Blocks that are
// asked for at the same time are one request.
export function createRenderer(editor, field) {
  let known = new Map();
  let waiting = new Map();
  let language = "";
  const send = async () => {
    const asked = waiting;
    waiting = new Map();
    const body = new FormData();
    body.set("language", languageOf(field));
    asked.forEach((_, source) => body.append("block", source));
    const { status, data } = await postForm(editor, editor.dataset.render, body, undefined, { background: true });
    [...asked].forEach(([source, shows], at) => {
      const html = status === 200 ? data.html[at] : undefined;
      if (html !== undefined) known.set(source, html);
      shows.forEach((show) => show(html));
    });
  };
  return {
    render(source, show) {
      if (language !== languageOf(field)) known = new Map();
      language = languageOf(field);
      if (known.has(source)) {
        show(known.get(source));
        return;
      }
      if (!waiting.size) setTimeout(send);
      waiting.set(source, [...waiting.get(source) ?? [], show]);
    },
    forget: () => { known = new Map(); },
  };
}

// Return {load, find}: the names of pages, sources, pictures, and so on, for chips and links. ``changed`` is called
// after they have been loaded.
export function createNames(editor, field, changed) {
  let rows;
  let language = "";
  return {
    async load() {
      language = languageOf(field);
      const { status, data } = await getJson(`${editor.dataset.choices}?language=${language}`);
      if (status === 200) rows = data;
      changed();
    },
    isLoaded: () => rows !== undefined,
    all: (kind) => rows?.[kind] ?? [],
    find: (kind, key) => rows?.[kind]?.find((row) => row.key === key),
  };
}
