// Text stored in this browser while the site cannot be reached or the user is signed out. Staff screens only.

const NAME = "plainspine:unsaved:";

// One person's copies of one page: "plainspine:unsaved:USER:PAGE:WINDOW".
export function localCopies(place, user) {
  const prefix = `${NAME}${user}:${place}:`;
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

export const anyLocal = () => Object.keys(localStorage).filter((name) => name.startsWith(NAME));
