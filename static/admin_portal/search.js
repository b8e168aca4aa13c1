// The search over everything: Ctrl+K or the Search button opens a dialog, the arrow keys choose, Enter goes there.

const DEBOUNCE_MS = 150;

function element(name, attributes, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

class SearchDialog {
  constructor(dialog) {
    this.dialog = dialog;
    this.form = dialog.querySelector("form");
    this.input = dialog.querySelector("input");
    this.list = dialog.querySelector("[role=listbox]");
    this.status = dialog.querySelector("[data-search-status]");
    this.latest = 0;
    this.input.addEventListener("input", () => this.schedule());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    dialog.querySelector("[data-search-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.input.focus();
    this.input.select();
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), DEBOUNCE_MS);
  }

  async search() {
    const query = this.input.value.trim();
    this.latest += 1;
    const mine = this.latest;
    if (!query) {
      this.show([], "");
      return;
    }
    this.status.textContent = this.dialog.dataset.searching;
    try {
      const address = `${this.form.action}?${new URLSearchParams({ q: query })}`;
      const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      const { groups } = await answer.json();
      if (mine === this.latest) this.show(groups, this.dialog.dataset.empty);
    } catch {
      if (mine === this.latest) this.show([], this.dialog.dataset.failed);
    }
  }

  show(groups, emptyMessage) {
    this.list.replaceChildren(...groups.map((group, number) => this.buildGroup(group, number)));
    const count = this.options.length;
    this.status.textContent = count ? `${count} ${this.dialog.dataset.count}` : emptyMessage;
    this.input.setAttribute("aria-expanded", String(count > 0));
    this.select(0);
  }

  buildGroup(group, number) {
    const box = element("div", { role: "group", "aria-labelledby": `search-group-${number}` });
    box.append(element("p", { class: "search-dialog__group", id: `search-group-${number}` }, group.label));
    const rows = group.more.url ? [...group.results, { ...group.more, detail: "" }] : group.results;
    rows.forEach((row, index) => {
      const option = element("a", {
        class: "search-dialog__option", role: "option", id: `search-option-${number}-${index}`, href: row.url,
        tabindex: "-1", "aria-selected": "false",
      });
      option.append(element("span", { class: "search-dialog__label" }, row.label));
      if (row.detail) option.append(element("span", { class: "search-dialog__detail" }, row.detail));
      box.append(option);
    });
    return box;
  }

  select(index) {
    const { options } = this;
    this.selected = options.length ? (index + options.length) % options.length : -1;
    options.forEach((option, number) => option.setAttribute("aria-selected", String(number === this.selected)));
    const chosen = options[this.selected];
    if (chosen) {
      this.input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.select(this.selected + step);
    } else if (event.key === "Escape") {
      // The browser would clear the field first.
      event.preventDefault();
      this.dialog.close();
    } else if (event.key === "Enter" && this.options[this.selected]) {
      event.preventDefault();
      this.options[this.selected].click();
    }
  }
}

// Where Ctrl+K inserts a link, it keeps that meaning.
function insertsLinks(target) {
  return target.isContentEditable || target.closest("textarea, [data-editor]") !== null;
}

const dialog = document.querySelector("[data-search-dialog]");
if (dialog) {
  const search = new SearchDialog(dialog);
  document.querySelector("[data-search-open]").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    search.open();
  });
  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    if (!isShortcut || event.defaultPrevented || insertsLinks(event.target)) return;
    event.preventDefault();
    // Nothing opens over another dialog, whose answers would be lost.
    if (!document.querySelector("dialog[open]")) search.open();
  });
}
