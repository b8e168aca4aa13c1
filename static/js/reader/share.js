// "Read this with someone" opens the list of apps where the browser has one. Elsewhere, its link writes an email.
export function startSharing(link) {
  if (!navigator.share) return;
  const message = new URLSearchParams(link.search);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    // The reader closed the list, or no app took it: nothing to say.
    navigator.share({ title: message.get("subject"), url: message.get("body") }).catch(() => {});
  });
}
