// The Markdown field: toolbar, true preview, pictures, and care for what is typed.
// No key is taken away: Tab and Esc leave the field, undo is the browser's own, drag and drop is untouched.

const WAIT = 400; // milliseconds after the last key
const WIDTHS = { phone: 360, desktop: 1280 };
const WITH_END = /^:::[ \t]*(key-points|emergency|urgent|call|note|steps|do|dont|checklist|chance)\b/;
const UNREACHABLE = { status: 0, data: { error: "We cannot reach the site. Your text is still here." } };

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ── Asking the server: an answer that is not JSON (a login page, an error page) counts as none ──

async function ask(address, options = {}) {
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error", ...options });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return { status: response.status, data: isJson ? await response.json() : {} };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return UNREACHABLE;
  }
}

// Signing in again makes a new token; without it the form could not be sent any more.
async function freshToken(editor) {
  const answer = await ask(editor.dataset.session);
  if (answer.status === 200) {
    all("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = answer.data.token; });
  }
  return answer;
}

async function send(editor, address, body, signal) {
  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;
  body.set("csrfmiddlewaretoken", token());
  const answer = await ask(address, { method: "POST", body, signal });
  if (answer.data.code !== "csrf" || (await freshToken(editor)).status !== 200) return answer;
  body.set("csrfmiddlewaretoken", token());
  return ask(address, { method: "POST", body, signal });
}

// ── Writing into the field ──

function put(field, text, from = field.selectionStart, to = field.selectionEnd) {
  field.focus();
  field.setSelectionRange(from, to);
  // insertText keeps the browser's undo; setRangeText serves browsers that do not know it here.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function putAround(field, mark) {
  const { selectionStart: from, value } = field;
  const words = value.slice(from, field.selectionEnd) || "important words";
  put(field, mark + words + mark);
  field.setSelectionRange(from + mark.length, from + mark.length + words.length);
}

function putBeforeLines(field, mark) {
  const from = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const lines = field.value.slice(from, field.selectionEnd).split("\n");
  put(field, lines.map((line) => (line.startsWith(mark) ? line : mark + line)).join("\n"), from, field.selectionEnd);
}

// The end of the caret's line; within a block, the end of the line that closes it: blocks do not stand in blocks.
function blockPlace(value, caret) {
  const end = (from) => (value.indexOf("\n", from) < 0 ? value.length : value.indexOf("\n", from));
  let at = end(caret);
  const marks = value.slice(0, at).match(/^:::.*$/gm) ?? [];
  if (!WITH_END.test(marks.at(-1) ?? "")) return at;
  const closing = /^:::[ \t]*$/gm;
  closing.lastIndex = at;
  at = closing.exec(value)?.index ?? at;
  return end(at);
}

// Lines of their own, with an empty line before and after; the first words to replace are selected.
function putBlock(field, block) {
  const { value } = field;
  const at = blockPlace(value, field.selectionEnd);
  const before = value.slice(0, at);
  const gap = !before.trim() || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  put(field, `${gap}${block}\n`, at, at);
  const inside = /\n(?:- |1\. )?([^\n:]+)/.exec(block);
  if (inside) {
    const start = at + gap.length + inside.index + inside[0].length - inside[1].length;
    field.setSelectionRange(start, start + inside[1].length);
  }
}

function putChoice(field, markdown, label) {
  if (markdown.startsWith(":::")) putBlock(field, markdown);
  else if (markdown.startsWith("page:")) {
    const words = field.value.slice(field.selectionStart, field.selectionEnd) || label.replace(/ \(\w+\)$/, "");
    put(field, `[${words}](${markdown})`);
  } else if (markdown) put(field, markdown);
}

function goToLine(field, line) {
  const lines = field.value.split("\n");
  const from = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0);
  field.setSelectionRange(from, from);
  // Taking the focus anew makes the browser scroll to the caret.
  field.blur();
  field.focus();
  field.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
}

// ── Toolbar: one stop for the Tab key, arrow keys within ──

function startTools(editor, field, windows) {
  const tools = editor.querySelector("[data-tools]");
  const buttons = all("button", tools);
  const reach = (button) => buttons.forEach((other) => { other.tabIndex = other === button ? 0 : -1; });
  const acts = {
    line: (mark) => putBeforeLines(field, mark),
    around: (mark) => putAround(field, mark),
    block: (block) => putBlock(field, block.replaceAll("|", "\n")),
    choose: (name) => windows[name].showModal(),
  };
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    reach(button);
    Object.entries(button.dataset).forEach(([name, value]) => acts[name]?.(value));
  });
  tools.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const wanted = buttons.indexOf(document.activeElement) + steps[event.key];
    const button = buttons[Math.min(Math.max(wanted, 0), buttons.length - 1)];
    reach(button);
    button.focus();
  });
  reach(buttons[0]);
  tools.hidden = false;
}

// ── Small windows: what to put in, and a new picture ──

function openWindows(editor, field) {
  document.body.append(editor.querySelector("template[data-windows]").content.cloneNode(true));
  const windows = {};
  all("dialog[data-window]:not([data-taken])").forEach((dialog) => {
    dialog.dataset.taken = "";
    windows[dialog.dataset.window] = dialog;
    const choice = dialog.querySelector("[data-choice]");
    if (choice) {
      dialog.addEventListener("close", () => {
        const option = choice.selectedOptions[0];
        if (dialog.returnValue === "put" && option) putChoice(field, option.value, option.textContent);
        dialog.returnValue = "";
      });
    }
  });
  const dialog = windows.upload;
  const form = dialog.querySelector("[data-upload-form]");
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const refusal = form.querySelector("[data-refusal]");
    const body = new FormData(form);
    const language = field.form.querySelector("[name=language]")?.value || editor.dataset.language || "en";
    body.set("language", language);
    button.disabled = true;
    refusal.hidden = true;
    const answer = await send(editor, editor.dataset.upload, body);
    button.disabled = false;
    if (answer.status === 201) {
      form.reset();
      dialog.close();
      putBlock(field, answer.data.snippet);
      return;
    }
    const sentences = Object.values(answer.data.errors ?? {}).flat().map((error) => error.message);
    refusal.textContent = [answer.data.error ?? "The picture could not be sent. Please try again.", ...sentences].join(" ");
    refusal.hidden = false;
  });
  return windows;
}

// ── The page as it would be read. Nothing in the frame runs, and no link in it leads away ──

function tame(doc) {
  all("a[href]", doc).forEach((link) => {
    const target = link.getAttribute("href");
    if (target.startsWith("#")) link.href = `about:srcdoc${target}`;
    else Object.assign(link, { target: "_blank", rel: "noopener" });
  });
}

function showIn(frame, html) {
  const doc = frame.contentDocument;
  if (!frame.dataset.shown || !doc?.body) {
    frame.dataset.shown = "yes";
    frame.srcdoc = html;
    return;
  }
  // Changing the body in place keeps the place that was scrolled to, and nothing flickers.
  const next = new DOMParser().parseFromString(html, "text/html");
  tame(next);
  doc.documentElement.lang = next.documentElement.lang;
  doc.body.replaceChildren(...next.body.childNodes);
}

function fit(stage, frame) {
  const width = Math.max(WIDTHS[stage.dataset.stage], stage.dataset.stage === "desktop" ? stage.clientWidth : 0);
  const scale = Math.min(1, stage.clientWidth / width);
  Object.assign(frame.style, {
    width: `${width}px`,
    height: `${stage.clientHeight / scale}px`,
    transform: scale < 1 ? `scale(${scale})` : "",
  });
}

function startWidths(editor, frame) {
  const stage = editor.querySelector("[data-stage]");
  const buttons = all("[data-width]", editor);
  buttons.forEach((button) => button.addEventListener("click", () => {
    stage.dataset.stage = button.dataset.width;
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    fit(stage, frame);
  }));
  new ResizeObserver(() => fit(stage, frame)).observe(stage);
  editor.querySelector("[data-see]").hidden = false;
}

function listProblems(field, problems) {
  const section = document.querySelector("[data-readiness]");
  if (!section) return;
  section.querySelector("[data-ready]").hidden = problems.length > 0;
  section.querySelector("[data-problems]").replaceChildren(...problems.map(({ line, sentence }) => {
    const item = document.createElement("li");
    if (line) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "line-button", textContent: `Line ${line}` });
      button.addEventListener("click", () => goToLine(field, line));
      item.append(button, ": ");
    }
    item.append(sentence);
    return item;
  }));
}

function startPreview(editor, field, notice) {
  const frame = editor.querySelector("[data-true-page]");
  const state = editor.querySelector("[data-state]");
  const live = editor.querySelector("[data-live]");
  let number = 0;
  let running;
  let timer;
  let said;
  const refresh = async () => {
    clearTimeout(timer);
    const mine = ++number;
    running?.abort();
    running = new AbortController();
    state.textContent = "…";
    let answer;
    try {
      answer = await send(editor, editor.dataset.preview, new FormData(field.form), running.signal);
    } catch {
      return; // a newer one is on its way
    }
    if (mine !== number) return;
    if (answer.status !== 200 || !answer.data.html) {
      state.textContent = "This preview is not up to date.";
      notice.say(answer);
      return;
    }
    notice.clear();
    showIn(frame, answer.data.html);
    listProblems(field, answer.data.problems);
    const count = answer.data.problems.length;
    state.textContent = `${answer.data.minutes} min to read`;
    // Said aloud only when it is news: the preview follows every pause in typing.
    if (said !== count) live.textContent = `Preview ready. ${count || "Nothing"} to mend.`;
    said = count;
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  };
  field.form.addEventListener("input", soon);
  field.form.addEventListener("change", soon);
  document.addEventListener("formset:removed", soon);
  startWidths(editor, frame);
  refresh();
  return refresh;
}

// ── What went wrong, in words, without touching the text ──

function startNotice(editor) {
  const box = editor.querySelector("[data-notice]");
  const live = editor.querySelector("[data-live]");
  let again = () => {};
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !box.hidden) again();
  });
  return {
    retry: (act) => { again = act; },
    clear: () => { box.hidden = true; },
    say: ({ status, data }) => {
      const sentence = data.error ?? "The site has a problem. Your text is still here.";
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button", textContent: "Try again" });
      button.addEventListener("click", () => again());
      const parts = [`${sentence} `];
      if (status === 401) {
        const link = document.createElement("a");
        Object.assign(link, { href: editor.dataset.login, target: "_blank", textContent: "Sign in in a new window" });
        parts.push(link, ", then come back here. ");
      }
      box.replaceChildren(...parts, button);
      box.hidden = false;
      live.textContent = sentence;
    },
  };
}

// ── Leaving: never with unsaved words, never into a login page that swallows them ──

function guard(editor, form, notice) {
  if (form.dataset.guarded) return;
  form.dataset.guarded = "yes";
  let changed = document.querySelector("[data-unsaved]") !== null;
  let leaving = false;
  let checking = false;
  const change = () => { changed = true; };
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (changed && !leaving) event.preventDefault();
  });
  form.addEventListener("submit", async (event) => {
    if (leaving) return;
    event.preventDefault();
    if (checking) return;
    checking = true;
    const answer = await freshToken(editor);
    checking = false;
    if (answer.status === 401 || answer.status === 0) {
      notice.say(answer);
      editor.scrollIntoView({ block: "nearest" });
      return;
    }
    leaving = true;
    form.requestSubmit(event.submitter);
  });
}

function start(editor) {
  const field = editor.querySelector("textarea");
  // A row that is only a pattern for new rows stays as it is.
  if (!field || editor.dataset.started || field.name.includes("__prefix__")) return;
  editor.dataset.started = "yes";
  const notice = startNotice(editor);
  startTools(editor, field, openWindows(editor, field));
  notice.retry(startPreview(editor, field, notice));
  guard(editor, field.form, notice);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) editor.querySelector("[data-width]").focus();
  });
}

all("[data-editor]").forEach(start);
document.addEventListener("formset:added", (event) => all("[data-editor]", event.target).forEach(start));
all("iframe[data-true-page]").forEach((frame) => {
  if (frame.srcdoc && frame.contentDocument?.body?.childElementCount) tame(frame.contentDocument);
  frame.addEventListener("load", () => tame(frame.contentDocument));
});
