/** The keys, and the dialog that lists them. */

import { h } from "../dom.ts";
import type { Actions } from "./actions.ts";
import type { Store } from "./state.ts";
import type { Timeline } from "./timeline.ts";

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
    this.keys = [
      { keys: ["w"], shown: ["W"], does: "Wipe", act: () => actions.mode("wipe") },
      { keys: ["b"], shown: ["B"], does: "Blink", act: () => actions.mode("blink") },
      { keys: ["s"], shown: ["S"], does: "Side by side", act: () => actions.mode("side") },
      { keys: ["d"], shown: ["D"], does: "Difference", act: () => actions.mode("difference") },
      {
        keys: [" "],
        shown: ["Space"],
        does: "The other picture (blink)",
        act: () => store.set({ mode: "blink", blinking: false, blinkRight: store.state.mode === "blink" && !store.state.blinkRight }),
      },
      { keys: ["x"], shown: ["X"], does: "Swap left and right", act: () => actions.swap() },
      { keys: ["+", "="], shown: ["+"], does: "Zoom in", act: () => actions.zoom(1) },
      { keys: ["-", "_"], shown: ["−"], does: "Zoom out", act: () => actions.zoom(-1) },
      { keys: ["f", "0"], shown: ["F", "0"], does: "Fit", act: () => actions.fit() },
      { keys: ["1"], shown: ["1"], does: "1:1", act: () => actions.zoomTo(1) },
      { keys: ["2"], shown: ["2"], does: "2:1", act: () => actions.zoomTo(2) },
      { keys: ["4"], shown: ["4"], does: "4:1", act: () => actions.zoomTo(4) },
      { keys: ["8"], shown: ["8"], does: "8:1", act: () => actions.zoomTo(8) },
      { keys: ["9"], shown: ["9"], does: "16:1", act: () => actions.zoomTo(16) },
      {
        keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
        shown: ["←", "→", "↑", "↓"],
        does: "Move the picture; on the wipe's edge: move the edge (Shift: further)",
        act: pan,
      },
      { keys: [",", "<"], shown: [","], does: "Earlier snapshot", act: () => actions.move(-1) },
      { keys: [".", ">"], shown: ["."], does: "Later snapshot", act: () => actions.move(1) },
      { keys: ["p"], shown: ["P"], does: "Play the fit", act: () => timeline.toggle() },
      { keys: ["k"], shown: ["K"], does: "The kept estimate", act: () => actions.goTo(null) },
      { keys: ["m"], shown: ["M"], does: "The peak, where it is known", act: () => timeline.toPeak() },
      { keys: ["o"], shown: ["O"], does: "Overlay on or off", act: () => actions.overlay() },
      { keys: ["["], shown: ["["], does: "Run before", act: () => actions.neighbour(-1) },
      { keys: ["]"], shown: ["]"], does: "Next run", act: () => actions.neighbour(1) },
      { keys: ["F"], shown: ["Shift", "F"], does: "Full screen", act: () => actions.fullScreen() },
      { keys: ["?"], shown: ["?"], does: "These keys", act: () => this.help() },
    ];
    this.dialog = this.makeDialog();
    (everywhere ? document : root).addEventListener("keydown", this.listener as EventListener);
  }

  help(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }

  destroy(): void {
    (this.everywhere ? document : this.root).removeEventListener("keydown", this.listener as EventListener);
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
      h("tr", {}, h("th", { scope: "row" }, ...shown.map((key) => h("kbd", {}, key))), h("td", {}, does)),
    );
    const close = h("button", { type: "button", class: "primary", onclick: () => this.dialog.close() }, "Close");
    return h(
      "dialog",
      { class: "keys", "aria-labelledby": "viewer-keys-title" },
      h("h2", { id: "viewer-keys-title" }, "Keys"),
      h("p", { class: "muted" }, "Wheel or two fingers zoom, a drag moves, a double click changes between fit and 1:1. A click into a curve goes to that step."),
      h("table", {}, h("tbody", {}, ...rows)),
      h("div", { class: "dialog-foot" }, h("label", {}, this.enabled, "Use single keys"), close),
    );
  }
}
