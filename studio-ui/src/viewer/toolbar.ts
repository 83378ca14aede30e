/** The bar over the picture: run, mode, what is left and right, zoom. */

import type { ViewRun } from "../model.ts";
import { h, icon, setAttribute, setOptions, setText } from "../dom.ts";
import type { Actions } from "./actions.ts";
import { fitScale, MAX_SCALE, scaleOf, zoomLabel } from "./geometry.ts";
import type { Part } from "./part.ts";
import { choices } from "./sources.ts";
import type { Stage } from "./stage.ts";
import type { Mode, Source, State, Store } from "./state.ts";
import { viewerWords as words } from "../words.ts";

const MODES = (["wipe", "blink", "side", "difference"] as const).map((mode) => ({ mode, ...words.modes[mode] }));

let toolbars = 0;

export class Toolbar implements Part {
  readonly element: HTMLElement;
  private readonly stage: Stage;
  private readonly radios = new Map<Mode, HTMLInputElement>();
  private readonly run: HTMLSelectElement;
  private readonly runField: HTMLElement;
  private readonly left: HTMLSelectElement;
  private readonly right: HTMLSelectElement;
  private readonly original = h("button", { type: "button", class: "hold", title: words.holdTitle }, words.hold);
  private readonly zoom = h("output", { class: "zoom-label", "aria-label": words.zoom });
  private readonly buttons: Record<"out" | "in" | "fit" | "actual", HTMLButtonElement>;

  constructor(store: Store, actions: Actions, stage: Stage, help: () => void) {
    this.stage = stage;
    const name = `viewer-mode-${++toolbars}`;
    const modes = h("fieldset", { class: "segmented" }, h("legend", { class: "visually-hidden" }, words.compare));
    for (const { mode, label, title } of MODES) {
      const radio = h("input", { type: "radio", name, value: mode, onchange: () => actions.mode(mode) });
      this.radios.set(mode, radio);
      modes.append(h("label", { title }, radio, label));
    }
    const source = (side: "left" | "right"): HTMLSelectElement =>
      h("select", {
        "aria-label": side === "left" ? words.left : words.right,
        onchange: (event) => actions.choose({ [side]: (event.currentTarget as HTMLSelectElement).value as Source }),
      });
    this.left = source("left");
    this.right = source("right");
    this.run = h("select", { onchange: () => actions.show(store.state.runs, this.run.value) });
    this.runField = h("label", { class: "run-field" }, h("span", {}, words.runField), this.run);
    const button = (label: string | Node, title: string, onclick: () => void, small = false): HTMLButtonElement =>
      h("button", { type: "button", title, "aria-label": small && title, class: small ? "icon" : false, onclick }, label);
    this.buttons = {
      out: button("−", words.zoomOut, () => actions.zoom(-1), true),
      in: button("+", words.zoomIn, () => actions.zoom(1), true),
      fit: button(words.fit, words.fitTitle, () => actions.fit()),
      actual: button(words.actual, words.actualTitle, () => actions.zoomTo(1)),
    };
    for (const kind of ["pointerdown", "pointerup", "pointercancel", "pointerleave", "blur"] as const) {
      this.original.addEventListener(kind, () => store.set({ held: kind === "pointerdown" }));
    }
    this.original.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") store.set({ held: true });
    });
    this.original.addEventListener("keyup", () => store.set({ held: false }));
    this.original.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press opens none
    const { out, fit, actual } = this.buttons;
    this.element = h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": words.viewer },
      this.runField,
      modes,
      h(
        "div",
        { class: "sources" },
        this.left,
        button(icon("swap"), words.swap, () => actions.swap(), true),
        this.right,
      ),
      this.original,
      h(
        "div",
        { class: "zoom" },
        out,
        this.zoom,
        this.buttons.in,
        fit,
        actual,
        button(icon("fullScreen"), words.fullScreen, () => actions.fullScreen(), true),
        button("?", words.keysTitle, help, true),
      ),
    );
  }

  update(state: State, run: ViewRun): void {
    const radio = this.radios.get(state.mode);
    if (radio !== undefined) radio.checked = true;
    this.original.hidden = run.layers.observed === undefined || run.layers.estimate === undefined;
    setAttribute(this.original, "aria-pressed", String(state.held));
    this.runField.hidden = state.runs.length < 2;
    setOptions(this.run, state.runs.map(({ id, title }) => ({ value: id, label: title })), run.id);
    const options = choices(state, run);
    setOptions(this.left, options, state.left);
    setOptions(this.right, options, state.right);
    const { base, pane } = this.stage;
    const scale = scaleOf(state.view, base, pane);
    setText(this.zoom, zoomLabel(scale));
    this.buttons.in.disabled = scale >= MAX_SCALE;
    this.buttons.out.disabled = scale <= Math.min(fitScale(base, pane), 1);
    setAttribute(this.buttons.fit, "aria-pressed", String(state.view.scale === "fit"));
    setAttribute(this.buttons.actual, "aria-pressed", String(scale === 1 && state.view.scale !== "fit"));
  }
}
