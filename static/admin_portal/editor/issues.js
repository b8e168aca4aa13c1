// Problems to fix: each with its location, and an automatic fix where one is safe.

import { format, gettext, ngettext } from "../i18n.js";
import { all } from "./api.js";
import { readHeading } from "./markup.js";
import { startsBlockWithEnd } from "./insert_text.js";

function button(text, act, look = "") {
  const element = Object.assign(document.createElement("button"), { type: "button", className: `bar-button ${look}`, textContent: text });
  element.addEventListener("click", act);
  return element;
}

// Replace the lines only if they are still the ones that the fix was made for.
function applyFix(text, field, { line, end, old, text: words }) {
  const now = field.value.split("\n").slice(line - 1, end).join("\n");
  if (now !== old) return false;
  text().replaceRange(line, end, words);
  return true;
}

// Return the number of the first line of running text, after which a source can go; 1 if there is none.
function firstTextLine(value) {
  const lines = value.split("\n");
  let isInBlock = false;
  const isRunningText = (words) => {
    if (words.startsWith(":::")) isInBlock = startsBlockWithEnd(words);
    return !isInBlock && /^[^\s:#|>\d*-]/.test(words);
  };
  return Math.max(lines.findIndex(isRunningText), 0) + 1;
}

const MAX_QUOTED_WORDS = 5;

// Return the first words of a line as they look, without its Markdown; "" for the line of a block.
function firstWords(line) {
  if (line.startsWith(":::")) return "";
  const text = line.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\[@[^\]]*\]|\{[^}]*\}|[*`|]/g, " ").replace(/^\s*([#>+-]+|\d+[.)])\s*/, "");
  const words = text.split(/\s+/).filter(Boolean);
  return words.slice(0, MAX_QUOTED_WORDS).join(" ") + (words.length > MAX_QUOTED_WORDS ? "…" : "");
}

// Return where a line is: its number in the Markdown, and for the text as it looks, which has no numbers, its section and,
// unless the issue quotes some, its first words.
function placeOf(value, { line, sentence }, mode) {
  if (mode === "source") return format(gettext("Line %(number)s"), { number: line });
  const lines = value.split("\n");
  const heading = lines.slice(0, line).map((words) => readHeading(words)?.title).filter(Boolean).at(-1);
  const place = heading ? format(gettext("In “%(heading)s”"), { heading }) : gettext("At the top");
  const words = /[“«]/.test(sentence) ? "" : firstWords(lines[line - 1] ?? "");
  return words && words !== heading ? format(gettext("%(place)s, at “%(words)s”"), { place, words }) : place;
}

// Return the words that an issue is about, longest first: those that it quotes, without the sign for omitted words, and
// those that its correction changes.
function wordsOf({ sentence, fix }) {
  const quoted = [...sentence.matchAll(/[“«]([^”»]+)[”»]/g)].map(([, words]) => words.replace(/^[…\s]+|[…\s]+$/g, ""));
  if (fix) {
    const { old, text } = fix;
    let [start, end] = [0, 0];
    while (start < old.length && old[start] === text[start]) start += 1;
    while (end < old.length - start && end < text.length - start && old.at(-1 - end) === text.at(-1 - end)) end += 1;
    // Whole words: the first letter of a correction can be the same.
    const isLetter = (at) => /\p{L}/u.test(old[at] ?? "");
    while (isLetter(start - 1) && isLetter(start)) start -= 1;
    while (isLetter(old.length - end) && isLetter(old.length - end - 1)) end -= 1;
    quoted.push(old.slice(start, old.length - end).trim());
  }
  return quoted.filter((words) => words && !words.includes("\n")).sort((words, other) => other.length - words.length);
}

// ``text``: the function of text.js; the next three: of bar.js. ``refresh``: checks the text again.
export function startIssues(form, editor, field, { text, openPanel, showText, goToLine, windows, refresh }) {
  const section = form.querySelector("[data-readiness]");
  const live = editor.querySelector("[data-live]");
  const goToField = (name) => {
    const input = form.elements[name];
    if (!input || input === field || !input.closest("[data-panel-part]")) showText();
    if (!input || input === field) return text().focus();
    openPanel(input.closest("[data-panel-part]")?.dataset.panelPart);
    return input.focus();
  };
  // Select the first match in or after a line. Returns whether there is one.
  function select(words, line, isInside = () => true) {
    const match = text().find(words, { matchCase: true }).find((found) => found.line >= line && isInside(found));
    if (match) text().select(match);
    return match;
  }
  // The caret goes where typing is wanted: the words in question are selected, such as a number in the sentence quoted.
  function goToIssue(issue) {
    const { line } = issue;
    showText();
    const candidates = wordsOf(issue);
    let match;
    const first = candidates.findIndex((words) => { match = select(words, line); return match; });
    if (!match) return goToLine(line);
    return candidates.slice(first + 1).find((words) => select(words, line, ({ from, to }) => from >= match.from && to <= match.to));
  }
  const goTo = (issue) => (issue.line ? goToIssue(issue) : goToField(issue.field));

  // Fixes that need a choice open the dialog for it.
  const dialogs = { source: gettext("Choose a source"), picture: gettext("Choose a picture"), link: gettext("Choose a page"), reference: gettext("Choose another one") };

  let shown = { problems: [], advice: [] };

  function showFix({ line, text: words }) {
    showText();
    if (words.includes("…") && select("…", line)) return;
    if (text().mode() === "visual") goToLine(line);
  }
  // A text that has changed since the check is checked again first: the fix's line numbers may have changed.
  async function runFix(issue) {
    let done = issue.fix;
    if (!applyFix(text, field, issue.fix)) {
      live.textContent = gettext("The text has changed. Checking it again.");
      await refresh();
      const now = [...shown.problems, ...shown.advice ?? []].find(({ sentence, fix }) => fix && sentence === issue.sentence);
      if (!now || !applyFix(text, field, now.fix)) return;
      done = now.fix;
    }
    showFix(done);
    live.textContent = gettext("Fixed. Select Undo to revert.");
    refresh();
  }

  // Choose what the text suggests for a field. ``fix``: a picture moves from the text to the top of the page.
  function choiceButton({ field: name, choice, fix }) {
    const input = form.elements[name];
    const option = choice && [...input?.options ?? []].find(({ value }) => value === choice);
    if (!option) return null;
    const label = fix ? gettext("Move “%(name)s” to the top") : gettext("Use “%(name)s”");
    return button(format(label, { name: option.text }), () => {
      if (fix && !applyFix(text, field, fix)) return refresh();
      input.value = choice;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      // The button goes with its problem.
      form.querySelector("[data-panel-tab=problems]").focus();
      live.textContent = format(gettext("“%(name)s” is chosen."), { name: option.text });
      return undefined;
    }, "bar-button--fix");
  }
  function fixButton(issue) {
    const { fix, dialog, line } = issue;
    if (issue.choice) return choiceButton(issue);
    if (fix) return button(fix.label, () => runFix(issue), "bar-button--fix");
    if (!dialog || !windows) return null;
    if (dialog === "reference") {
      // Only the visual editor can open the form of what is there.
      if (text().mode() !== "visual") return null;
      return button(dialogs.reference, () => {
        showText();
        text().editReference(line, wordsOf(issue).at(-1));
      }, "bar-button--fix");
    }
    return button(dialogs[dialog], () => {
      const place = line || firstTextLine(field.value);
      showText();
      text().goToOffset(field.value.split("\n").slice(0, place).join("\n").length);
      // When a dialog closes, Chromium puts the caret of the field that had the focus at its start.
      field.blur();
      windows.open(dialog);
    }, "bar-button--fix");
  }

  function wordsOfRow(issue) {
    // In Source mode, the words about the Markdown.
    const sentence = text().mode() === "source" && issue.hint ? issue.hint : issue.sentence;
    return (issue.line ? `${placeOf(field.value, issue, text().mode())}: ` : "") + sentence;
  }
  // ``count``: how many issues read the same; the row is about the first of them.
  function row(issue, count) {
    const { line, field: name } = issue;
    const item = document.createElement("li");
    const words = wordsOfRow(issue);
    const times = count > 1 ? ` ${format(ngettext("(%(count)s time)", "(%(count)s times)", count), { count })}` : "";
    item.append(Object.assign(document.createElement("p"), { className: "issue-list__message", textContent: words + times }));
    const buttons = Object.assign(document.createElement("div"), { className: "issue-list__buttons" });
    const fix = fixButton(issue);
    if (fix) buttons.append(fix);
    if (line || (name && form.elements[name])) {
      const label = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: `: ${words}` });
      const go = button(gettext("Go to"), () => goTo(issue));
      go.append(label);
      buttons.append(go);
    }
    if (buttons.childElementCount) item.append(buttons);
    return item;
  }

  function rows(issues) {
    const words = issues.map(wordsOfRow);
    const isFirst = (_issue, at) => words.indexOf(words[at]) === at;
    return issues.filter(isFirst).map((issue) => row(issue, words.filter((other) => other === wordsOfRow(issue)).length));
  }

  // A new page in which nothing has been written has no problems yet.
  const isEmpty = () => !form.elements.page && ["title", "key_message", "body"].every((name) => !form.elements[name].value.trim());

  // Returns the number of problems, or undefined for a text that is not checked yet.
  function list(found) {
    if (isEmpty()) {
      delete field.dataset.checked;
      all("[data-problem-count]", form).forEach((element) => { element.textContent = gettext("Not checked yet"); });
      all("[data-problem-number]", form).forEach((element) => { element.textContent = ""; });
      section.querySelector("[data-problems]").replaceChildren();
      section.querySelector("[data-suggestions]").hidden = true;
      return undefined;
    }
    shown = found;
    field.dataset.checked = "yes";
    const { problems, advice = [] } = found;
    const count = problems.length;
    const words = count ? format(ngettext("%(count)s problem to fix", "%(count)s problems to fix", count), { count }) : gettext("Ready to send");
    all("[data-problem-count]", form).forEach((element) => { element.textContent = words; });
    all("[data-problem-number]", form).forEach((element) => { element.textContent = count; });
    all("[data-open-panel=problems]", form).forEach((element) => { element.dataset.count = count; });
    section.querySelector("[data-ready]").hidden = count > 0;
    section.querySelector("[data-problems]").replaceChildren(...rows(problems));
    const suggestions = section.querySelector("[data-suggestions]");
    suggestions.hidden = advice.length === 0;
    suggestions.querySelector("summary").textContent = format(gettext("Suggestions (%(count)s)"), { count: advice.length });
    suggestions.querySelector("[data-suggestion-list]").replaceChildren(...rows(advice));
    markInText();
    return count;
  }
  // For the visual editor, which marks them in the text; the most exact words first.
  function markInText() {
    const mark = (isProblem) => (issue) => ({ line: issue.line, words: wordsOf(issue).reverse(), sentence: issue.sentence, isProblem, buttons: () => [fixButton(issue)].filter(Boolean) });
    const found = [...shown.problems.map(mark(true)), ...(shown.advice ?? []).map(mark(false))].filter(({ line }) => line);
    editor.dispatchEvent(new CustomEvent("editor:problems", { detail: found }));
  }
  editor.addEventListener("editor:mode", () => { if (field.dataset.checked) list(shown); });
  editor.addEventListener("editor:ready", () => { if (field.dataset.checked) list(shown); });
  return { list };
}

// The reviewer's comments: the line of each becomes a button.
export function linkComments(form, goToLine) {
  all("[data-remark-line]", form).forEach((item) => {
    const label = item.querySelector("[data-go]");
    label?.replaceWith(button(label.textContent, () => goToLine(Number(item.dataset.remarkLine))));
  });
}
