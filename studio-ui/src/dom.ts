/** Making elements without HTML strings: data can never become markup. */

type Child = Node | string | null;
type Listeners = { [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void };
type Attributes = { [name: string]: unknown } & Listeners;

/** An element with attributes, listeners (`onclick`) and children; false, null and undefined leave an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value as EventListener);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child): child is Node | string => child !== null));
  return element;
}

const ICONS = {
  play: "M5 3l9 5-9 5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  earlier: "M10 3L5 8l5 5",
  later: "M6 3l5 5-5 5",
  swap: "M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3",
  fullScreen: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
};

export type IconName = keyof typeof ICONS;

/** A small drawing in the text's colour; its button carries the name. */
export function icon(name: IconName): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  const solid = name === "play" || name === "pause";
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", solid ? "currentColor" : "none");
  path.setAttribute("stroke", solid ? "none" : "currentColor");
  path.setAttribute("stroke-width", "1.6");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("width", "16");
  drawing.setAttribute("height", "16");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(path);
  return drawing;
}

/** Set an attribute only where it differs: no needless repaints and announcements. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Set the text only where it differs, so that live regions speak only on a change. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replace the choices of a select where they differ, keeping the chosen one. */
export function setOptions(select: HTMLSelectElement, options: { value: string; label: string }[], value: string): void {
  const wanted = JSON.stringify(options);
  if (select.dataset["options"] !== wanted) {
    select.dataset["options"] = wanted;
    select.replaceChildren(...options.map((option) => h("option", { value: option.value }, option.label)));
  }
  if (select.value !== value) select.value = value;
}
