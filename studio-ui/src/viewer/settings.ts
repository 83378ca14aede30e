/** The bar under the picture: what belongs to the mode, the overlay with its legend, and the pixel under the pointer. */

import type { Overlay, ViewRun } from "../model.ts";
import { h, setAttribute, setOptions, setText } from "../dom.ts";
import { table } from "./colormap.ts";
import { capital, significant } from "./format.ts";
import type { Part } from "./part.ts";
import type { State, Store } from "./state.ts";
import { unitWords as units, viewerWords as words } from "../words.ts";

const PERIODS = [400, 700, 1200, 2000];

export class ModeBar implements Part {
  readonly element: HTMLElement;
  private readonly blink: HTMLElement;
  private readonly pause = h("button", { type: "button" });
  private readonly period = h("select");
  private readonly difference: HTMLElement;
  private readonly signed = h("input", { type: "checkbox" });
  private readonly gain = h("input", { type: "range", min: "0", max: "5", step: "1" });
  private readonly gainValue = h("output");
  private readonly overlay: HTMLElement;
  private readonly map = h("select");
  private readonly opacityField: HTMLElement;
  private readonly opacity = h("input", { type: "range", min: "0", max: "100", step: "5" });
  private readonly legend = new Legend();

  constructor(store: Store) {
    this.pause.addEventListener("click", () => store.set({ blinking: !store.state.blinking }));
    this.period.addEventListener("change", () => store.set({ period: Number(this.period.value) }));
    this.signed.addEventListener("change", () => store.set({ signed: this.signed.checked }));
    this.gain.addEventListener("input", () => store.set({ gain: 2 ** Number(this.gain.value) }));
    this.map.addEventListener("change", () => store.set({ overlay: this.map.value === "" ? null : this.map.value }));
    this.opacity.addEventListener("input", () => store.set({ opacity: Number(this.opacity.value) / 100 }));
    const swap = h("button", { type: "button", title: words.otherTitle }, words.other);
    swap.addEventListener("click", () => store.set({ blinking: false, blinkRight: !store.state.blinkRight }));
    this.blink = h("div", { class: "group" }, this.pause, swap, h("label", {}, words.every, this.period));
    this.difference = h(
      "div",
      { class: "group" },
      h("label", {}, words.gain, this.gain, this.gainValue),
      h("label", {}, this.signed, words.signed),
    );
    this.opacityField = h("div", { class: "group" }, h("label", {}, words.opacity, this.opacity), this.legend.element);
    this.overlay = h("div", { class: "group" }, h("label", {}, words.overlay, this.map), this.opacityField);
    this.element = h("div", { class: "mode-bar" }, this.blink, this.difference, this.overlay);
  }

  update(state: State, run: ViewRun): void {
    this.blink.hidden = state.mode !== "blink";
    setText(this.pause, state.blinking ? words.pause : words.blink);
    setOptions(this.period, PERIODS.map((ms) => ({ value: String(ms), label: units.seconds(ms / 1000) })), String(state.period));
    this.difference.hidden = state.mode !== "difference";
    this.signed.checked = state.signed;
    this.gain.value = String(Math.log2(state.gain));
    setAttribute(this.gain, "aria-valuetext", words.gainTimes(state.gain));
    setText(this.gainValue, words.gainShort(state.gain));
    // A difference is a picture of its own; a map over it would say nothing.
    this.overlay.hidden = run.overlays.length === 0 || state.mode === "difference";
    const options = run.overlays.map(({ name, label }) => ({ value: name, label: capital(label) }));
    const overlay = run.overlays.find(({ name }) => name === state.overlay);
    setOptions(this.map, [{ value: "", label: words.noOverlay }, ...options], overlay?.name ?? "");
    this.opacityField.hidden = overlay === undefined;
    this.opacity.value = String(Math.round(100 * state.opacity));
    setAttribute(this.opacity, "aria-valuetext", units.percent(this.opacity.value));
    if (overlay !== undefined) this.legend.update(overlay);
    this.element.hidden = this.blink.hidden && this.difference.hidden && this.overlay.hidden;
  }
}

/** The colours of a map from low to high. */
class Legend {
  readonly element: HTMLElement;
  private readonly low = h("span");
  private readonly high = h("span");
  private readonly note = h("span", { class: "legend-note" });

  constructor() {
    const strip = h("canvas", { class: "legend-strip", width: "256", height: "1", "aria-hidden": "true" });
    const colours = table();
    const data = new ImageData(256, 1);
    for (let index = 0; index < 256; index++) {
      data.data.set([...colours.subarray(3 * index, 3 * index + 3), 255], 4 * index);
    }
    strip.getContext("2d")?.putImageData(data, 0, 0);
    this.element = h("div", { class: "legend" }, this.low, strip, this.high, this.note);
  }

  update(overlay: Overlay): void {
    const unit = overlay.unit === "" ? "" : ` ${overlay.unit}`;
    setText(this.low, significant(overlay.low));
    setText(this.high, `${significant(overlay.high)}${unit}`);
    setText(this.note, overlay.note ?? "");
  }
}
