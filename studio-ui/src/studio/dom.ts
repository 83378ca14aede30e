/** What the studio's screens add to making elements. */

import { h } from "../dom.ts";

export { h, setText } from "../dom.ts";

type Attributes = Parameters<typeof h>[1];
type Child = Node | string | null;

export function button(text: string, onclick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** A link that looks like a button. */
export function linkButton(text: string, href: string, attributes: Attributes = {}): HTMLAnchorElement {
  return h("a", { ...attributes, href, class: `button ${attributes?.["class"] ?? ""}`.trim() }, text);
}

/** Replace what is in an element. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child): child is Node | string => child !== null));
}

/** Ask for files; none if the user thinks better of it. */
export function chooseFiles(accept: string, multiple: boolean): Promise<File[]> {
  return new Promise((resolve) => {
    const input = h("input", { type: "file", accept, multiple });
    input.onchange = () => resolve([...(input.files ?? [])]);
    input.oncancel = () => resolve([]);
    input.click();
  });
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http from another machine there is no clipboard; the old way still works there.
    const area = h("textarea", { class: "visually-hidden" });
    area.value = text;
    // Where the focus is: a menu that it leaves would close before it says that it is done.
    (document.activeElement?.closest("details.menu") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** Hand a file to the user. */
export function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob);
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
