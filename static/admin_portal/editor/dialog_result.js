// The answer to a dialog whose buttons submit a form.

// Call ``done`` with the value of the button that closed the dialog, or with "" if it was dismissed. ``check`` gets the value
// first and returns whether the dialog may close. The answer is handled in the same task in which the dialog closes; a
// "close" event comes later, and by then the next keys may have been typed into the wrong place.
export function onDialogResult(dialog, done, check = () => true) {
  let answered = false;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const value = event.submitter?.value ?? "";
    if (!check(value)) return;
    answered = true;
    dialog.close();
    done(value);
  });
  // In a search field, the browser would only clear it.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.target.type !== "search") return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (!answered) done("");
    answered = false;
  });
}
