// What this browser remembers. Without storage, it remembers nothing.

export function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* storage is full or disabled */ }
}
