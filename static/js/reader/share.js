// "Share this page" opens the share sheet if the browser has one. Elsewhere, its link writes an email.
export function startSharing(link) {
  if (!navigator.share) return;
  const message = new URLSearchParams(link.search);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    // The share sheet was dismissed or failed; ignore it.
    navigator.share({ title: message.get("subject"), url: message.get("body") }).catch(() => {});
  });
}
