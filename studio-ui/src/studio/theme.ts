import { fill, h } from "./dom.ts";
import { pageWords } from "../words.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEY = "untrained-theme";

/** Let a button go through the themes: as the system has it, light, dark. It is remembered here. */
export function themeSwitch(button: HTMLElement): void {
  const show = (theme: Theme): void => {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    fill(button, h("span", { class: "wide" }, pageWords.theme), pageWords.themes[theme]);
    button.setAttribute("aria-label", `${pageWords.theme}${pageWords.themes[theme]}`); // on a phone, too
  };
  let now = THEMES.find((theme) => theme === stored()) ?? "auto";
  show(now);
  button.addEventListener("click", () => {
    now = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]!;
    show(now);
    try {
      localStorage.setItem(KEY, now);
    } catch {
      // a browser that keeps nothing
    }
  });
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
