const NAME = "text-size";
const root = document.documentElement;

// Without this script, the setting applies to one page only. With it, the browser stores it, and text_size.js applies
// it.
export function startTextSize(options) {
  const radios = [...options.querySelectorAll("input")];
  const chosen = radios.find((radio) => radio.value && radio.value === root.dataset.textSize);
  if (chosen) chosen.checked = true;
  options.addEventListener("change", () => {
    const { value } = radios.find((radio) => radio.checked);
    root.dataset.textSize = value;
    try {
      if (value) localStorage.setItem(NAME, value);
      else localStorage.removeItem(NAME);
    } catch {
      // Private browsing: the setting applies only to this page.
    }
  });
}
