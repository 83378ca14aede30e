/** The panes: canvases that show the two pictures in step, with wipe handle, zoom and pan. */

import { h } from "../dom.ts";
import * as geometry from "./geometry.ts";
import type { Pictures } from "./pictures.ts";
import { frame, shown } from "./sources.ts";
import type { Store } from "./state.ts";

export class Stage {
  readonly element: HTMLElement;
  private readonly canvas = h("canvas");
  private readonly store: Store;
  private readonly pictures: Pictures;
  private readonly observer: ResizeObserver;

  constructor(store: Store, pictures: Pictures) {
    this.store = store;
    this.pictures = pictures;
    this.element = h("div", { class: "stage" }, this.canvas);
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.element);
    this.element.addEventListener("pointermove", (event) => {
      if (event.buttons === 0) return;
      const box = this.element.getBoundingClientRect();
      store.set({ wipe: Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) });
    });
  }

  paint(): void {
    const run = this.store.run;
    const context = this.canvas.getContext("2d");
    if (run === null || context === null) return;
    const pane = { width: this.element.clientWidth * devicePixelRatio, height: this.element.clientHeight * devicePixelRatio };
    this.canvas.width = pane.width;
    this.canvas.height = pane.height;
    const base = frame(run);
    const placed = geometry.place(this.store.state.view, base, pane);
    const area = geometry.visible(placed, base, pane);
    for (const side of ["left", "right"] as const) {
      const layer = shown(this.store.state[side], this.store.state, run);
      const picture = layer === null ? null : this.pictures.get(layer.src);
      if (picture === null) continue;
      const edge = area.x + area.width * this.store.state.wipe;
      context.save();
      context.beginPath();
      if (side === "left") context.rect(0, 0, edge, pane.height);
      else context.rect(edge, 0, pane.width - edge, pane.height);
      context.clip();
      context.imageSmoothingEnabled = (placed.scale * base.width) / picture.width < 1;
      context.drawImage(picture.image, placed.x, placed.y, base.width * placed.scale, base.height * placed.scale);
      context.restore();
    }
  }

  destroy(): void {
    this.observer.disconnect();
  }
}
