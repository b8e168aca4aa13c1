const shape = (image) => (image ? image.height / image.width : NaN);

// Before and after start side by side, each with its own caption. A button overlays them, and a slider wipes between them.
export function startCompare(compare) {
  const [before, after] = [...compare.querySelectorAll(".compare__side")].map((side) => side.querySelector("img"));
  // Pictures with different aspect ratios cannot be overlaid.
  if (!(Math.abs(shape(before) - shape(after)) < 0.01)) return;
  const tools = compare.querySelector("[data-compare-tools]");
  const bar = compare.querySelector("[data-compare-wipe]");
  const button = tools.querySelector("button");
  const range = bar.querySelector("input");
  const words = { apart: button.textContent, wiping: button.dataset.altLabel };

  const say = () => {
    const share = Number(range.value);
    compare.style.setProperty("--slider-position", `${share}%`);
    range.setAttribute("aria-valuetext", range.dataset.altLabel.replace("{before}", share).replace("{after}", 100 - share));
  };
  const show = (wiping) => {
    compare.classList.toggle("compare--slider", wiping);
    bar.hidden = !wiping;
    button.textContent = wiping ? words.wiping : words.apart;
  };

  range.addEventListener("input", say);
  button.addEventListener("click", () => show(!compare.classList.contains("compare--slider")));
  tools.hidden = false;
  say();
}
