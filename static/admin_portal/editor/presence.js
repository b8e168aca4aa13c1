// Who else has this page open, and whether someone has saved it since. The autosave responses carry the data.

import { format, gettext, ngettext } from "../i18n.js";
import { user } from "../user_storage.js";
import { clock } from "./form.js";

function describe({ name, since, typed }) {
  const values = { name, time: clock(since) };
  if (!typed) return format(gettext("%(name)s has had this page open since %(time)s and hasn’t typed anything."), values);
  const minutes = Math.floor((Date.now() - new Date(typed)) / 60_000);
  if (minutes < 1) return format(gettext("%(name)s has had this page open since %(time)s; last edit just now."), values);
  return format(ngettext(
    "%(name)s has had this page open since %(time)s; last edit %(minutes)s min ago.",
    "%(name)s has had this page open since %(time)s; last edit %(minutes)s min ago.",
    minutes,
  ), { ...values, minutes });
}

export function startPresence(editor, form) {
  const presenceBox = editor.querySelector("[data-presence]");
  const live = editor.querySelector("[data-live]");
  let announced = "";
  return {
    show(data) {
      const sentences = data.others.map(describe);
      // A merged form already includes the save that it was merged with.
      const opened = Number((form.elements.merge_version ?? form.elements.version)?.value ?? 0);
      if (data.version > opened) {
        const words = gettext("%(name)s saved this page at %(time)s. When you save, you’ll see both versions side by side.");
        sentences.push(format(words, { name: data.saved_by, time: clock(data.saved_at) }));
      }
      if (data.user !== Number(user)) {
        const words = gettext("You’re now signed in as %(name)s. Anything you save will be recorded under that name.");
        sentences.push(format(words, { name: data.user_name }));
      }
      presenceBox.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("p"), { textContent: sentence })));
      presenceBox.hidden = sentences.length === 0;
      // Announce only when someone joins or saves, not each minute.
      const announcement = JSON.stringify([data.others.map((other) => other.name), data.version > opened]);
      if (announcement !== announced && sentences.length) live.textContent = sentences.join(" ");
      announced = announcement;
    },
  };
}
