// Who else has this page open, and whether someone has saved it since. The autosave responses carry the data.

import { clock } from "./form.js";

function ago(moment) {
  const minutes = Math.floor((Date.now() - new Date(moment)) / 60_000);
  return minutes < 1 ? "just now" : `${minutes} min ago`;
}

export function startPresence(editor, form) {
  const box = editor.querySelector("[data-others]");
  const live = editor.querySelector("[data-live]");
  const writer = form.querySelector("[data-writer]");
  let said = "";
  return {
    show(data) {
      const sentences = data.others.map(({ name, since, typed }) => (
        `${name} has had this page open since ${clock(since)}, ${typed ? `last typed ${ago(typed)}` : "and has typed nothing"}.`
      ));
      // A merged form already includes the save that it was merged with.
      const opened = Number((form.elements.merge_version ?? form.elements.version)?.value ?? 0);
      if (data.version > opened) {
        sentences.push(`${data.saved_by} saved this page at ${clock(data.saved_at)}. When you save, you see both texts side by side.`);
      }
      if (data.user !== Number(writer.dataset.writer)) {
        sentences.push(`You are signed in as ${data.user_name} now: what you save will be recorded under that name.`);
      }
      box.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("p"), { textContent: sentence })));
      box.hidden = sentences.length === 0;
      // Announce only when someone joins or saves, not each minute.
      const news = JSON.stringify([data.others.map((other) => other.name), data.version > opened]);
      if (news !== said && sentences.length) live.textContent = sentences.join(" ");
      said = news;
    },
  };
}
