/** The line that says how large the picture is shown, and what the pixel under the pointer holds. */

import type { ViewRun } from "../model.ts";
import { h, setText } from "../dom.ts";
import { capital, pixelValue, significant } from "./format.ts";
import { isExact, pixelIn, scaleOf, zoomLabel, type Point } from "./geometry.ts";
import type { Part } from "./part.ts";
import type { Pictures } from "./pictures.ts";
import { shown } from "./sources.ts";
import type { Stage } from "./stage.ts";
import type { State } from "./state.ts";

export class Readout implements Part {
  readonly element: HTMLElement;
  private readonly size = h("span", { class: "readout-size" });
  private readonly values = h("span", { class: "readout-values" });
  private readonly stage: Stage;
  private readonly pictures: Pictures;

  constructor(stage: Stage, pictures: Pictures) {
    this.stage = stage;
    this.pictures = pictures;
    this.element = h("div", { class: "readout" }, this.values, this.size);
  }

  update(state: State, run: ViewRun): void {
    const { base, pane } = this.stage;
    const scale = scaleOf(state.view, base, pane);
    const how = isExact(scale) ? `shown ${zoomLabel(scale)}, exact pixels` : `shown at ${zoomLabel(scale)}, smoothed`;
    setText(this.size, `${base.width} × ${base.height} · ${how}`);
    const pixel = this.stage.pixel();
    setText(this.values, pixel === null ? "" : this.describe(pixel, state, run));
  }

  private describe(pixel: Point, state: State, run: ViewRun): string {
    const parts = [`x ${pixel.x}  y ${pixel.y}`];
    for (const side of ["left", "right"] as const) {
      const layer = shown(state[side], state, run);
      const picture = layer === null ? null : this.pictures.get(layer.src);
      if (layer === null || picture === null) continue;
      const at = pixelIn(picture, pixel, this.stage.base);
      parts.push(`${side} ${pixelValue(picture.at(at.x, at.y), picture.gray())}`);
    }
    const overlay = run.overlays.find(({ name }) => name === state.overlay);
    const map = overlay === undefined ? null : this.pictures.get(overlay.src);
    if (overlay !== undefined && map !== null) {
      const at = pixelIn(map, pixel, this.stage.base);
      const value = overlay.low + ((map.at(at.x, at.y)[0] ?? 0) / 255) * (overlay.high - overlay.low);
      parts.push(`${capital(overlay.label)} ${significant(value)} ${overlay.unit}`.trim());
    }
    return parts.join("   ");
  }
}
