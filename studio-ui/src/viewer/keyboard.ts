/** The keys, and the dialog that lists them. */

import { h } from "../dom.ts";
import type { Actions } from "./actions.ts";
import type { Store } from "./state.ts";
import type { Timeline } from "./timeline.ts";
import { viewerWords as words } from "../words.ts";

interface Key {
  /** As `KeyboardEvent.key` gives them. */
  keys: string[];
  shown: string[];
  does: string;
  act: (event: KeyboardEvent) => void;
}

export class Keyboard {
  readonly dialog: HTMLDialogElement;
  private readonly keys: Key[];
  private readonly root: HTMLElement;
  private readonly everywhere: boolean;
  private readonly released: (event: KeyboardEvent) => void;
  private readonly enabled = h("input", { type: "checkbox", checked: true });
  private readonly listener = (event: KeyboardEvent): void => this.hear(event);

  constructor(root: HTMLElement, everywhere: boolean, store: Store, actions: Actions, timeline: Timeline) {
    this.root = root;
    this.everywhere = everywhere;
    const pan = (event: KeyboardEvent): void => {
      const by = event.shiftKey ? 0.5 : 0.1;
      const x = { ArrowLeft: by, ArrowRight: -by }[event.key] ?? 0;
      const y = { ArrowUp: by, ArrowDown: -by }[event.key] ?? 0;
      actions.pan(x, y);
    };
    const scales: Record<string, number> = { "1": 1, "2": 2, "4": 4, "8": 8, "9": 16 };
    const other = (): void => {
      const blinking = store.state.mode === "blink";
      store.set({ mode: "blink", blinking: false, blinkRight: blinking && !store.state.blinkRight });
    };
    this.keys = [
      { keys: ["w"], shown: ["W"], does: words.does.wipe, act: () => actions.mode("wipe") },
      { keys: ["b"], shown: ["B"], does: words.does.blink, act: () => actions.mode("blink") },
      { keys: ["s"], shown: ["S"], does: words.does.side, act: () => actions.mode("side") },
      { keys: ["d"], shown: ["D"], does: words.does.difference, act: () => actions.mode("difference") },
      { keys: [" "], shown: [words.keyNames.space], does: words.does.other, act: other },
      { keys: ["\\"], shown: ["\\"], does: words.does.original, act: () => store.set({ held: true }) },
      { keys: ["x"], shown: ["X"], does: words.does.swap, act: () => actions.swap() },
      { keys: ["+", "=", "-", "_"], shown: ["+", "−"], does: words.does.zoom, act: ({ key }) => actions.zoom(key === "+" || key === "=" ? 1 : -1) },
      { keys: ["f", "0"], shown: ["F", "0"], does: words.does.fit, act: () => actions.fit() },
      { keys: Object.keys(scales), shown: Object.keys(scales), does: words.does.scales, act: ({ key }) => actions.zoomTo(scales[key] ?? 1) },
      {
        keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
        shown: ["←", "→", "↑", "↓"],
        does: words.does.move,
        act: pan,
      },
      { keys: [",", "<", ".", ">"], shown: [",", "."], does: words.does.snapshots, act: ({ key }) => actions.move(key === "," || key === "<" ? -1 : 1) },
      { keys: ["p"], shown: ["P"], does: words.does.play, act: () => timeline.toggle() },
      { keys: ["k"], shown: ["K"], does: words.does.kept, act: () => actions.goTo(null) },
      { keys: ["m"], shown: ["M"], does: words.does.peak, act: () => timeline.toPeak() },
      { keys: ["o"], shown: ["O"], does: words.does.overlay, act: () => actions.overlay() },
      { keys: ["[", "]"], shown: ["[", "]"], does: words.does.runs, act: ({ key }) => actions.neighbour(key === "[" ? -1 : 1) },
      { keys: ["F"], shown: [words.keyNames.shift, "F"], does: words.does.fullScreen, act: () => actions.fullScreen() },
      { keys: ["?"], shown: ["?"], does: words.does.keys, act: () => this.help() },
    ];
    this.dialog = this.makeDialog();
    (everywhere ? document : root).addEventListener("keydown", this.listener as EventListener);
    this.released = ({ key }) => key === "\\" && store.set({ held: false });
    document.addEventListener("keyup", this.released);
  }

  help(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }

  destroy(): void {
    (this.everywhere ? document : this.root).removeEventListener("keydown", this.listener as EventListener);
    document.removeEventListener("keyup", this.released);
  }

  private hear(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.dialog.open) return;
    if (!this.enabled.checked && event.key !== "?") return;
    const target = event.target as HTMLElement;
    // Where a control of its own has the focus, it keeps the keys that it uses itself.
    const typing = target.closest("input[type='text'], input[type='number'], textarea, [contenteditable='true'], select");
    if (typing !== null || document.querySelector("dialog[open]") !== null) return;
    const control = target.closest("button, input, summary, a, [role='slider']") !== null;
    if (control && (event.key === " " || event.key.startsWith("Arrow"))) return;
    if (!this.root.contains(target) && event.key.startsWith("Arrow")) return; // The page scrolls.
    const name = event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : event.key;
    const key = this.keys.find(({ keys }) => keys.includes(name));
    if (key === undefined) return;
    event.preventDefault();
    key.act(event);
  }

  private makeDialog(): HTMLDialogElement {
    const rows = this.keys.map(({ shown, does }) =>
      h("div", {}, h("dt", {}, ...shown.map((key) => h("kbd", {}, key))), h("dd", {}, does)),
    );
    const close = h("button", { type: "button", class: "primary", onclick: () => this.dialog.close() }, words.close);
    return h(
      "dialog",
      { class: "keys", "aria-labelledby": "viewer-keys-title" },
      h("h2", { id: "viewer-keys-title" }, words.keys),
      h("p", { class: "muted" }, words.keysLead),
      h("dl", {}, ...rows),
      h("div", { class: "dialog-foot" }, h("label", {}, this.enabled, words.useKeys), close),
    );
  }
}
