// Choosing a page template opens another form. What was typed so far, such as the title, moves to it; a text stays behind as an
// unsaved version, because the template has its own.

import { leaveForNextPage, takeFromLastPage } from "../user_storage.js";
import { values } from "./form.js";

const NAME = "typed";
const isText = (name) => name === "body" || name.startsWith("items-");
const isOfTemplate = (name) => isText(name) || ["kind", "language"].includes(name);

// Fill in what was typed before the template was chosen. Call before autosave starts, which then stores it.
export function takeTyped(form) {
  Object.entries(takeFromLastPage(NAME) ?? {}).forEach(([name, value]) => {
    if (form.elements[name]) form.elements[name].value = value;
  });
}

// ``opened``: the values that the form was opened with; ``safety``: of autosave.js.
export function startTemplates(form, opened, safety) {
  form.querySelector("[data-templates]")?.addEventListener("click", async (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const typed = Object.entries(values(form)).filter(([name, value]) => value !== opened[name]);
    leaveForNextPage(NAME, Object.fromEntries(typed.filter(([name]) => !isOfTemplate(name))));
    await safety.keep({ leaving: true });
    // The new form stores it all, so the site can forget this one.
    if (!safety.unconfirmed() && !typed.some(([name]) => isText(name))) safety.leaving();
    location.assign(link.href);
  });
}
