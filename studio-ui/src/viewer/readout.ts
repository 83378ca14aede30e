/** The line that says how large the picture is shown, and what the pixel under the pointer holds. */

import type { ViewRun } from "../model.ts";
import { h, setText } from "../dom.ts";
import { capital, pixelValue, significant } from "./format.ts";
import { isExact, pixelIn, scaleOf, zoomLabel, type Point } from "./geometry.ts";
import type { Part } from "./part.ts";
import type { Pictures } from "./pictures.ts";
import { fileOf, shown, type LayerFile } from "./sources.ts";
import type { Stage } from "./stage.ts";
import type { State } from "./state.ts";
import { tileAddress, tileOf } from "./tiles.ts";
import { unitWords as units, viewerWords as words } from "../words.ts";

const overlayOf = (state: State, run: ViewRun): ViewRun["overlays"][number] | undefined => run.overlays.find(({ name }) => name === state.overlay);

/** So long, in milliseconds, the pointer rests on a large picture before the tile under it is loaded for its numbers. */
const REST = 150;

export class Readout implements Part {
  readonly element: HTMLElement;
  private readonly size = h("span", { class: "readout-size" });
  private readonly values = h("span", { class: "readout-values" });
  private readonly stage: Stage;
  private readonly pictures: Pictures;
  private timer = 0;
  private now: { state: State; run: ViewRun } | null = null;

  constructor(stage: Stage, pictures: Pictures) {
    this.stage = stage;
    this.pictures = pictures;
    this.element = h("div", { class: "readout" }, this.values, this.size);
  }

  update(state: State, run: ViewRun): void {
    this.now = { state, run };
    const { base, pane } = this.stage;
    const scale = scaleOf(state.view, base, pane);
    const [size, zoom] = [units.size(base.width, base.height), zoomLabel(scale)];
    setText(this.size, isExact(scale) ? words.shownExactly(size, zoom) : words.shownSmoothed(size, zoom, this.stage.copied));
    const pixel = this.stage.pixel();
    setText(this.values, pixel === null ? "" : this.describe(pixel, state, run));
  }

  private describe(pixel: Point, state: State, run: ViewRun): string {
    const parts = [words.place(pixel.x, pixel.y)];
    for (const side of ["left", "right"] as const) {
      const layer = shown(state[side], state, run);
      const value = layer === null ? null : this.valueIn(layer, pixel);
      if (value !== null) parts.push(side === "left" ? words.leftValue(value) : words.rightValue(value));
    }
    const overlay = overlayOf(state, run);
    const value = overlay === undefined ? null : this.valueIn(fileOf(overlay), pixel, ([gray = 0]) => {
      const value = overlay.low + (gray / 255) * (overlay.high - overlay.low);
      return `${significant(value)} ${overlay.unit}`.trim();
    });
    if (overlay !== undefined && value !== null) parts.push(`${capital(overlay.label)} ${value}`);
    return parts.join("   ");
  }

  /** The numbers of a layer's pixel as they are stored; of a large one those of its tile, which is loaded when the pointer rests. */
  private valueIn(layer: LayerFile, pixel: Point, say: (numbers: number[], gray: boolean) => string = pixelValue): string | null {
    const at = pixelIn(layer, pixel, this.stage.base);
    const tile = layer.preview === null ? { x: 0, y: 0 } : tileOf(at, layer);
    const src = layer.preview === null ? layer.src : tileAddress(layer.src, tile);
    const picture = layer.preview === null ? this.pictures.get(src, layer.profile) : this.pictures.peek(src);
    if (picture !== null) return say(picture.at(at.x - tile.x, at.y - tile.y), picture.gray());
    if (layer.preview === null) return null;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.load(), REST);
    return words.waits;
  }

  /** Load the tiles under the pointer. */
  private load(): void {
    const [pixel, now] = [this.stage.pixel(), this.now];
    if (pixel === null || now === null) return;
    const overlay = overlayOf(now.state, now.run);
    const sides = (["left", "right"] as const).map((side) => shown(now.state[side], now.state, now.run));
    for (const layer of [...sides, overlay === undefined ? null : fileOf(overlay)]) {
      if (layer === null || layer.preview === null) continue;
      this.pictures.get(tileAddress(layer.src, tileOf(pixelIn(layer, pixel, this.stage.base), layer)), layer.profile);
    }
  }

  destroy(): void {
    window.clearTimeout(this.timer);
  }
}
