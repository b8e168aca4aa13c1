// The rows of the form, read and written as plain values. Positions are percentages.

import { format, gettext } from "../i18n.js";
import { clamp, cornersOf, firstOutline, tidy } from "./geometry.js";

const FIRST_SIZE = 16;
export const isWide = (shape) => shape === "circle" || shape === "region";

export function startRows(form, say) {
  const list = form.querySelector("[data-rows]");
  const total = form.querySelector("[data-total]");
  const canvas = form.querySelector("[data-canvas]");
  const aspect = canvas.dataset.aspectWidth / canvas.dataset.aspectHeight;
  const emptyRow = list.querySelector("[data-new]");
  emptyRow.remove();
  // The fields of a marker, among them a label and a text in each language. Scripts number and delete markers themselves.
  const names = [...emptyRow.querySelectorAll("[name]")].map((input) => input.name.replace(/^marks-\d+-/, ""))
    .filter((name) => name !== "number" && name !== "deleted");
  const labels = names.filter((name) => name.startsWith("label_"));
  let selected = null;
  let count = 0;
  const newId = () => `${performance.timeOrigin}-${count += 1}`;
  let hooks = { draw() {}, commit() {}, typed() {} };

  const all = () => [...list.children];
  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const heading = (row) => row.querySelector("[data-head]");
  const indexOfChosen = () => all().indexOf(selected);

  function read(row) {
    return Object.fromEntries(names.map((name) => [name, field(row, name).value]));
  }

  function write(row, values) {
    Object.entries(values).forEach(([name, value]) => { field(row, name).value = value; });
  }

  // Update numbers, field names, and visibility from the order and the shape.
  function renumber() {
    all().forEach((row, index) => {
      row.querySelectorAll("[name]").forEach((input) => { input.name = input.name.replace(/^marks-\d+/, `marks-${index}`); });
      row.querySelectorAll("[id]").forEach((part) => { part.id = part.id.replace(/marks-\d+/, `marks-${index}`); });
      row.querySelectorAll("[for]").forEach((label) => { label.htmlFor = label.htmlFor.replace(/marks-\d+/, `marks-${index}`); });
      field(row, "number").value = index + 1;
      row.querySelector("[data-number]").textContent = index + 1;
      const values = read(row);
      const title = labels.map((name) => values[name]).filter(Boolean).join(" · ");
      row.querySelector("[data-name]").textContent = title || gettext("No label yet");
      row.querySelector("[data-part=size]").hidden = !isWide(values.shape);
      row.querySelector("[data-part=outline]").hidden = values.shape !== "polygon";
      showCorners(row, values);
      row.classList.toggle("is-selected", row === selected);
    });
    total.value = all().length;
  }

  // One button for each corner of a free shape; Add and Remove stay in the template.
  function showCorners(row, values) {
    const buttons = row.querySelector("[data-corners]");
    const wanted = values.shape === "polygon" ? cornersOf(values).length : 0;
    while (buttons.children.length > wanted) buttons.lastElementChild.remove();
    while (buttons.children.length < wanted) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--secondary" });
      button.textContent = format(gettext("Corner %(number)s"), { number: buttons.children.length + 1 });
      button.dataset.move = `corner-${buttons.children.length}`;
      buttons.append(button);
    }
    row.querySelector("[data-corner-tools]").hidden = false;
  }

  function select(row) {
    selected = row ?? null;
    all().forEach((other) => {
      other.classList.toggle("is-selected", other === selected);
      if (other !== selected && !other.querySelector(".errorlist")) other.querySelector("details").open = false;
    });
    if (selected) selected.querySelector("details").open = true;
  }

  function make(values, id) {
    const row = emptyRow.cloneNode(true);
    row.dataset.marker = id ?? newId();
    row.classList.remove("marker-row--new");
    delete row.dataset.new;
    row.querySelector("details").open = false;
    addListeners(row);
    write(row, values);
    list.append(row);
    return row;
  }

  function add(values) {
    const row = make(values);
    renumber();
    select(row);
    return row;
  }

  const snapshot = () => all().map((row) => ({ id: row.dataset.marker, values: read(row) }));

  // Take over the ids of the same rows from before the page was reloaded.
  function adopt(states) {
    if (states.length !== all().length) return false;
    all().forEach((row, index) => { row.dataset.marker = states[index].id; });
    return true;
  }

  // Match rows by id, so that a restored marker is selected and no other row takes its place.
  function restore(states) {
    const known = new Map(all().map((row) => [row.dataset.marker, row]));
    const isWanted = (row) => states.some(({ id }) => id === row.dataset.marker);
    const focused = document.activeElement;
    const restored = states.filter(({ id }) => !known.has(id));
    list.querySelectorAll(".errorlist").forEach((errors) => errors.remove());
    all().filter((row) => !isWanted(row)).forEach((row) => row.remove());
    const changed = [];
    states.forEach(({ id, values }, index) => {
      const row = known.get(id) ?? make(values, id);
      if (JSON.stringify(read(row)) !== JSON.stringify(values)) {
        write(row, values);
        changed.push(row);
      }
      if (all()[index] !== row) all()[index].before(row);
    });
    const first = restored.length ? all().find((row) => row.dataset.marker === restored[0].id) : changed[0];
    if (first || !selected?.isConnected) selected = first ?? all()[0] ?? null;
    renumber();
    select(selected);
    if (document.activeElement !== document.body) return;
    (focused.isConnected ? focused : selected ? heading(selected) : form.querySelector("[data-do=add]")).focus({ preventScroll: focused.isConnected });
  }

  function step(row, button, by) {
    const index = all().indexOf(row);
    const other = all()[index + by];
    if (!other) { say(by < 0 ? gettext("This is the first marker.") : gettext("This is the last marker.")); return; }
    hooks.commit();
    if (by < 0) other.before(row); else other.after(row);
    hooks.commit();
    button.focus();
    say(format(gettext("Moved to position %(number)s of %(total)s."), { number: index + by + 1, total: all().length }));
  }

  function removeRow(row) {
    hooks.commit(); // what was typed before is its own undo step
    const index = all().indexOf(row);
    row.remove();
    select(all()[Math.min(index, all().length - 1)]);
    hooks.commit();
    say(format(gettext("Marker %(number)s deleted. Undo restores it."), { number: index + 1 }));
    (selected ? heading(selected) : form.querySelector("[data-do=undo]")).focus();
  }

  // Give a shape a size, and move it into the picture.
  function reshape(row) {
    const values = read(row);
    if (values.shape === "polygon" && cornersOf(values).length === 0) {
      const target = { x: Number(values.target_x), y: Number(values.target_y) };
      const [width, height] = [Number(values.width) || FIRST_SIZE, Number(values.height) || FIRST_SIZE * aspect];
      write(row, { outline: firstOutline(target, width, height) });
    }
    if (!isWide(values.shape)) return;
    const width = Number(values.width) || FIRST_SIZE;
    const height = Number(values.height) || Math.min(100, FIRST_SIZE * aspect);
    const inside = (place, size) => clamp(Number(place) || 0, size / 2, 100 - size / 2);
    write(row, {
      width: tidy(width),
      height: tidy(height),
      target_x: tidy(inside(values.target_x, width)),
      target_y: tidy(inside(values.target_y, height)),
    });
  }

  function addListeners(row) {
    row.querySelector("[data-row-tools]").hidden = false;
    row.querySelector("[data-plain]").hidden = true;
    row.querySelectorAll("[data-move]").forEach((button) => { button.hidden = false; });
    row.querySelectorAll("[data-row-tools] button").forEach((button) => button.addEventListener("click", () => {
      if (button.dataset.do === "delete") removeRow(row); else step(row, button, button.dataset.do === "up" ? -1 : 1);
    }));
    row.querySelector("details").addEventListener("toggle", (event) => {
      if (!event.target.open || row === selected) return;
      select(row);
      hooks.draw();
    });
    row.addEventListener("input", (event) => {
      event.target.closest(".marker-field")?.querySelector(".errorlist")?.remove();
      if (event.target.name?.endsWith("-shape")) reshape(row);
      renumber();
      hooks.draw();
      hooks.typed();
    });
    row.addEventListener("change", () => hooks.commit());
  }

  all().forEach((row) => {
    row.dataset.marker = newId();
    addListeners(row);
  });
  const wrong = all().find((row) => row.querySelector(".errorlist"));
  selected = wrong ?? all()[0] ?? null;
  renumber();
  select(selected);
  return {
    all, read, write, add, snapshot, adopt, restore, settle: renumber, choose: select, indexOfChosen, aspect,
    focusLabel: (row) => field(row, labels[0]).focus(),
    chosen: () => selected,
    listen: (given) => { hooks = given; },
  };
}
