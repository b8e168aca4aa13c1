// Small helps for readers. Every page is complete without this file.

const eachOf = (selector, act, root = document) => root.querySelectorAll(selector).forEach(act);

// Paper needs the pictures that nobody has scrolled to yet.
function fetchAllPictures() {
  eachOf("img[loading=lazy]", (image) => { image.loading = "eager"; });
}

function offerPrinting() {
  eachOf("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
  // Paper shows what a screen folds away: descriptions are opened, then closed again.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    fetchAllPictures();
    eachOf("main details:not([open])", (details) => { details.open = true; opened.push(details); });
  });
  window.addEventListener("afterprint", () => {
    opened.splice(0).forEach((details) => { details.open = false; });
  });
}

// Pointing at an entry of a picture's list shows which mark it is, and the other way round.
function pairMarks(figure) {
  const show = (number) => eachOf("[data-mark]", (part) => {
    part.classList.toggle("is-paired", number !== undefined && part.dataset.mark === number);
  }, figure);
  const numberAt = (event) => event.target.closest("[data-mark]")?.dataset.mark;
  figure.addEventListener("pointerover", (event) => show(numberAt(event)));
  figure.addEventListener("pointerleave", () => show());
  figure.addEventListener("focusin", (event) => show(numberAt(event)));
  figure.addEventListener("focusout", () => show());
}

// A row of pictures: buttons for those who cannot swipe, and the place said aloud after a button was used.
function stepThrough(series) {
  const row = series.querySelector("[data-series-row]");
  const place = series.querySelector("[data-series-place]");
  const buttons = [...series.querySelectorAll("[data-series-step]")];
  const items = [...row.querySelectorAll("li.series__item")];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let current = 0;

  const say = () => {
    place.textContent = place.dataset.words.replace("{number}", current + 1).replace("{count}", items.length);
    buttons.forEach((button) => {
      const target = current + Number(button.dataset.seriesStep);
      button.setAttribute("aria-disabled", String(target < 0 || target >= items.length));
    });
  };
  const find = () => {
    const edge = row.getBoundingClientRect().left;
    const distance = (item) => Math.abs(item.getBoundingClientRect().left - edge);
    const nearest = items.reduce((best, item) => (distance(item) < distance(best) ? item : best));
    if (items.indexOf(nearest) !== current) {
      current = items.indexOf(nearest);
      say();
    }
  };
  const go = (step) => {
    const target = current + step;
    if (target < 0 || target >= items.length) return;
    const shift = items[target].getBoundingClientRect().left - row.getBoundingClientRect().left;
    row.scrollBy({ left: shift, behavior: still.matches ? "instant" : "smooth" });
  };

  buttons.forEach((button) => button.addEventListener("click", () => go(Number(button.dataset.seriesStep))));
  let waiting;
  row.addEventListener("scroll", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 100);
  }, { passive: true });
  series.querySelector("[data-series-buttons]").hidden = false;
  say();
}

offerPrinting();
eachOf(".xray", pairMarks);
eachOf("[data-series]", stepThrough);
