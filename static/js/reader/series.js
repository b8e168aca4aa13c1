import { reducedMotion } from "./dom.js";

// A row of pictures: buttons for those who cannot swipe, and the place said aloud after a button was used.
export function startSeries(series) {
  const row = series.querySelector("[data-series-row]");
  const place = series.querySelector("[data-series-place]");
  const buttons = [...series.querySelectorAll("[data-series-step]")];
  const items = [...row.querySelectorAll("li.series__item")];
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
    row.scrollBy({ left: shift, behavior: reducedMotion.matches ? "instant" : "smooth" });
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
