import { forEachMatch, reducedMotion } from "./dom.js";
import { sentencesOf } from "./sentences.js";

const language = document.documentElement.lang;

// Use only on-device voices; remote voices send the text to a third party.
function localVoice() {
  const base = (tag) => tag.toLowerCase().split(/[-_]/)[0];
  const voices = speechSynthesis.getVoices().filter((voice) => voice.localService && base(voice.lang) === base(language));
  return voices.find((voice) => voice.default) ?? voices[0];
}

// Reads the page aloud, sentence by sentence, with the browser's own voice. Reading never starts on its own.
export function readAloud(bar) {
  if (!("speechSynthesis" in window)) return;
  const [pause, stop] = bar.querySelectorAll("button");
  const words = { reading: pause.textContent, paused: pause.dataset.altLabel };
  let sentences = [];
  let current = 0;
  // Incremented on every start and stop, so a canceled utterance's callback can't start the next sentence.
  let turn = 0;

  const offer = () => {
    const offered = localVoice() !== undefined;
    forEachMatch("[data-listen]", (part) => { part.hidden = !offered; });
  };
  const silence = () => {
    turn += 1;
    speechSynthesis.cancel();
  };
  const end = () => {
    silence();
    highlight();
    const leaving = bar.contains(document.activeElement);
    bar.hidden = true;
    if (leaving) document.querySelector(".reader-tools > summary").focus({ preventScroll: true });
  };
  const read = () => {
    const sentence = sentences[current];
    if (!sentence) return end();
    const mine = turn;
    const spoken = new SpeechSynthesisUtterance(sentence.text);
    spoken.lang = language;
    spoken.voice = localVoice();
    spoken.onend = () => {
      if (mine !== turn) return;
      current += 1;
      read();
    };
    spoken.onerror = () => { if (mine === turn) end(); };
    const follows = current === 0 || isSeen(sentences[current - 1].range);
    highlight(sentence);
    if (follows && !isSeen(sentence.range)) {
      sentence.block.scrollIntoView({ block: "center", behavior: reducedMotion.matches ? "instant" : "smooth" });
    }
    speechSynthesis.speak(spoken);
    pause.textContent = words.reading;
  };

  forEachMatch("[data-listen-start]", (button) => button.addEventListener("click", () => {
    silence();
    sentences = sentencesOf(document.querySelectorAll("article"), language);
    current = 0;
    bar.hidden = false;
    pause.focus({ preventScroll: true });
    read();
  }));
  // Some phones cannot pause speech, so a pause is a stop that remembers the sentence.
  pause.addEventListener("click", () => {
    if (pause.textContent === words.paused) return read();
    silence();
    pause.textContent = words.paused;
  });
  stop.addEventListener("click", end);
  window.addEventListener("pagehide", silence);
  // Some browsers load the list of voices asynchronously.
  speechSynthesis.addEventListener?.("voiceschanged", offer);
  offer();
}

// Highlights the sentence that is being read, without changing the page if the browser supports it.
function highlight(sentence) {
  forEachMatch(".is-being-read", (block) => block.classList.remove("is-being-read"));
  if (window.Highlight && CSS.highlights) {
    CSS.highlights.set("spoken", sentence ? new Highlight(sentence.range) : new Highlight());
  } else if (sentence) {
    sentence.block.classList.add("is-being-read");
  }
}

function isSeen(range) {
  const box = range.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight;
}
