// Runs before the first paint.
try {
  document.documentElement.dataset.textSize = localStorage.getItem("text-size") ?? "";
} catch {
  // Nothing is stored.
}
