// What this browser stores about a user's work. People share computers, so every text is stored under its user, and what
// another user left in this tab is removed as soon as a staff page or the sign-in page is opened.

const NAME = "plainspine:";
const DRAFTS = `${NAME}unsaved:`;

// The ID of the signed-in user, or "".
export const user = document.querySelector("meta[name=user]")?.content ?? "";

// ---- From one page to the next, in this tab ----
const OURS = `${NAME}${user}:`;

try {
  Object.keys(sessionStorage).filter((name) => name.startsWith(NAME) && !name.startsWith(OURS)).forEach((name) => sessionStorage.removeItem(name));
} catch { /* storage is disabled */ }

export function leaveForNextPage(name, value) {
  try { sessionStorage.setItem(OURS + name, JSON.stringify(value)); } catch { /* storage is full or disabled */ }
}

// Return what was left, and remove it.
export function takeFromLastPage(name) {
  try {
    const value = JSON.parse(sessionStorage.getItem(OURS + name));
    sessionStorage.removeItem(OURS + name);
    return value;
  } catch {
    return null;
  }
}

// ---- Text that the site could not save, until the user signs out and chooses to remove it ----
// The user's copies of one page: "plainspine:unsaved:USER:PAGE:WINDOW".
export function localCopies(place) {
  const prefix = `${DRAFTS}${user}:${place}:`;
  return {
    keep(window, copy) {
      try {
        localStorage.setItem(prefix + window, JSON.stringify(copy));
        return true;
      } catch {
        return false; // storage is full or disabled
      }
    },
    forget(window) {
      try { localStorage.removeItem(prefix + window); } catch { /* nothing was stored */ }
    },
    all() {
      try {
        return Object.keys(localStorage).filter((name) => name.startsWith(prefix)).map((name) => ({
          ...JSON.parse(localStorage.getItem(name)), slot: name.slice(prefix.length), here: true,
        }));
      } catch {
        return [];
      }
    },
  };
}

const localDrafts = () => Object.keys(localStorage).filter((name) => name.startsWith(DRAFTS));

document.querySelector("#logout-form")?.addEventListener("submit", (event) => {
  const dialog = document.querySelector("[data-sign-out-dialog]");
  if (localDrafts().length === 0 || dialog.dataset.asked) return;
  event.preventDefault();
  dialog.addEventListener("close", () => {
    if (!dialog.returnValue) return;
    dialog.dataset.asked = "yes";
    if (dialog.returnValue === "remove") localDrafts().forEach((name) => localStorage.removeItem(name));
    event.target.requestSubmit();
  }, { once: true });
  dialog.showModal();
});

// ---- Preferences ----
export function remembered(name) {
  try { return localStorage.getItem(NAME + name); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(NAME + name, value); } catch { /* storage is full or disabled */ }
}
