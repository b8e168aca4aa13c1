try {
  document.documentElement.dataset.textSize = localStorage.getItem("text-size") ?? "";
} catch {
  // No storage
}
