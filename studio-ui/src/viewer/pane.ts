/** A pane of the stage: its canvas, the names over it, its size in the screen's own pixels. */

import { h } from "../dom.ts";
import type { PaneSize, Point } from "./geometry.ts";

/** The widest colours that the screen shows. */
const COLOURS: PredefinedColorSpace = matchMedia("(color-gamut: p3)").matches ? "display-p3" : "srgb";

export type Side = "left" | "right";

/** A pane: a canvas of exactly the screen's pixels. */
export class Pane {
  readonly canvas = h("canvas", { "aria-hidden": "true" });
  readonly context = this.canvas.getContext("2d", { colorSpace: COLOURS });
  readonly tags: Record<Side, HTMLElement> = {
    left: h("span", { class: "tag tag-left" }),
    right: h("span", { class: "tag tag-right" }),
  };
  readonly scaleBar = h("span", { class: "scale-bar", hidden: true });
  readonly element = h("div", { class: "pane", tabindex: "0", role: "group" }, this.canvas, this.tags.left, this.tags.right, this.scaleBar);
  size: PaneSize = { width: 0, height: 0 };

  /** A point of the page in this pane's device pixels. */
  point(event: { clientX: number; clientY: number }): Point {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.size.width / (box.width || 1);
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }
}

/** A box in the screen's own pixels: what the browser counted, or, where it does not count them, the nearest. */
export function devicePixels(entry: ResizeObserverEntry): PaneSize {
  const ratio = devicePixelRatio;
  const counted = entry.devicePixelContentBoxSize?.[0];
  const near = { width: Math.round(entry.contentRect.width * ratio), height: Math.round(entry.contentRect.height * ratio) };
  // An emulated screen counts CSS pixels here.
  const exact = counted !== undefined && Math.abs(counted.inlineSize - near.width) <= 2;
  return exact ? { width: counted.inlineSize, height: counted.blockSize } : near;
}
