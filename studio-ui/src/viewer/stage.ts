/** The panes: canvases that show the two pictures in step, with the wipe's handle and the names of what is seen. */

import type { ViewRun } from "../model.ts";
import { h, setAttribute, setText } from "../dom.ts";
import { capital, significant } from "./format.ts";
import * as geometry from "./geometry.ts";
import type { PaneSize, Point, Size } from "./geometry.ts";
import { listen, type Moved } from "./gestures.ts";
import { Computed, draw, drawTiles, type Drawable } from "./paint.ts";
import { devicePixels, Pane, type Side } from "./pane.ts";
import type { Part } from "./part.ts";
import type { Picture, Pictures } from "./pictures.ts";
import { frame, named, shown, type Shown } from "./sources.ts";
import type { State, Store } from "./state.ts";
import { isEnough, tileAddress, tilesSeen, type Tile } from "./tiles.ts";
import { unitWords as units, viewerWords as words } from "../words.ts";


/** What a side shows: a picture, and over it the tiles of a large one. */
interface Sight {
  picture: Picture;
  of: Size;
  /** The picture is a smaller copy, and no tiles are over it. */
  isCopy: boolean;
  tiles: { tile: Tile; picture: Picture | null }[];
}

/** The two pictures of the moment. */
interface Pair {
  left: Sight | null;
  right: Sight | null;
  overlay: Drawable | null;
}

export class Stage implements Part, Moved {
  readonly element: HTMLElement;
  readonly panes = [new Pane(), new Pane()] as const;
  readonly handle = h("div", {
    class: "wipe",
    role: "slider",
    tabindex: "0",
    "aria-label": words.edge,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    "aria-orientation": "horizontal",
  });
  /** The pointer moved. */
  onHover: () => void = () => undefined;
  /** A smaller copy of a large picture is shown. */
  copied = false;
  /** Where the pointer is in its pane, or null. */
  pointer: Point | null = null;

  private readonly store: Store;
  private readonly pictures: Pictures;
  private readonly computed = new Computed();
  private readonly message = h("p", { class: "stage-message" });
  private readonly observer: ResizeObserver;
  /** What each side showed last: it stays while the next one loads. */
  private readonly last: Partial<Record<Side, { run: string; sight: Sight }>> = {};

  constructor(store: Store, pictures: Pictures, resized: () => void) {
    this.store = store;
    this.pictures = pictures;
    this.panes[0].element.append(this.handle);
    this.element = h("div", { class: "stage" }, this.panes[0].element, this.panes[1].element, this.message);
    this.observer = new ResizeObserver((entries) => {
      for (const entry of entries) {
        const pane = this.panes.find((candidate) => candidate.canvas === entry.target);
        if (pane === undefined) continue;
        pane.size = devicePixels(entry);
      }
      resized();
    });
    for (const pane of this.panes) {
      try {
        this.observer.observe(pane.canvas, { box: "device-pixel-content-box" });
      } catch {
        this.observer.observe(pane.canvas); // Safari knows no device pixels here.
      }
      listen(pane, this, store);
    }
    this.handle.addEventListener("keydown", (event) => this.wipeByKey(event));
  }

  /** The size of the picture's coordinates. */
  get base(): Size {
    const run = this.store.run;
    return run === null ? { width: 1, height: 1 } : frame(run);
  }

  get pane(): PaneSize {
    return this.panes[0].size;
  }

  place(): geometry.Place {
    return geometry.place(this.store.state.view, this.base, this.pane);
  }

  /** The picture's pixel under the pointer, or null. */
  pixel(): Point | null {
    return this.pointer === null ? null : geometry.pixelAt(this.pointer, this.place(), this.base);
  }

  update(given: State, run: ViewRun): void {
    const original = run.layers.observed === undefined ? "estimate" : "observed";
    const state: State = given.held ? { ...given, mode: "wipe", left: original, right: original } : given;
    const pair = this.pair(state, run);
    this.copied = [pair.left, pair.right].some((sight) => sight?.isCopy === true);
    const sides = { left: named(state.left, state, run), right: named(state.right, state, run) };
    const two = state.mode === "side";
    setAttribute(this.element, "data-mode", state.mode);
    const { width, height } = this.base;
    this.element.style.setProperty("--aspect", String(width / height));
    this.panes[1].element.hidden = !two;
    this.paint(this.panes[0], (context) => this.drawFirst(context, state, pair));
    if (two) this.paint(this.panes[1], (context) => this.drawSide(context, "right", pair));
    this.name(state, sides);
    this.placeHandle(state);
    this.measure(run);
    // Where nothing can be moved a finger that goes up or down scrolls the page.
    const still = !geometry.canPan(this.place(), this.base, this.pane);
    for (const pane of this.panes) pane.element.classList.toggle("still", still);
    const waiting = Object.values(sides).filter((side) => side !== null);
    const failed = waiting.some((side) => this.pictures.failed(side.src) || (side.preview !== null && this.pictures.failed(side.preview)));
    const empty = pair.left === null && pair.right === null;
    this.message.hidden = !failed && !empty;
    setText(this.message, failed ? words.notLoaded : waiting.length > 0 ? words.loading : words.nothingYet);
  }

  destroy(): void {
    this.observer.disconnect();
  }

  private pair(state: State, run: ViewRun): Pair {
    const overlay = run.overlays.find((candidate) => candidate.name === state.overlay);
    const find = (side: Side): Sight | null => {
      const layer = shown(state[side], state, run);
      const sight = layer === null ? null : this.sight(layer, state.mode === "difference");
      if (sight !== null) {
        this.last[side] = { run: run.id, sight };
        return sight;
      }
      const before = this.last[side];
      return layer !== null && before?.run === run.id ? before.sight : null;
    };
    const [left, right] = [find("left"), find("right")];
    const map = overlay === undefined ? null : this.pictures.get(overlay.src);
    const seen = [left, right].flatMap((sight) => (sight === null ? [] : [sight.picture.src, ...sight.tiles.flatMap(({ picture }) => picture?.src ?? [])]));
    this.pictures.inUse = new Set(map === null ? seen : [...seen, map.src]);
    return { left, right, overlay: map === null ? null : this.computed.overlay(map) };
  }

  /** A layer as it is drawn now: of a large one a copy, and tiles where that is too coarse; `whole` where every pixel counts. */
  private sight(layer: Shown, whole: boolean): Sight | null {
    if (layer.preview === null || whole) {
      const picture = this.pictures.get(layer.src, layer.profile);
      return picture === null ? null : { picture, of: layer, isCopy: false, tiles: [] };
    }
    const picture = this.pictures.get(layer.preview, layer.profile);
    if (picture === null) return null;
    const [base, placed] = [this.base, this.place()];
    if (isEnough(picture.width, base, placed)) return { picture, of: layer, isCopy: true, tiles: [] };
    const tiles = tilesSeen(layer, base, placed, this.pane).map((tile) => ({ tile, picture: this.pictures.get(tileAddress(layer.src, tile), layer.profile) }));
    return { picture, of: layer, isCopy: false, tiles };
  }

  private paint(pane: Pane, content: (context: CanvasRenderingContext2D) => void): void {
    const context = pane.context;
    if (context === null || pane.size.width === 0) return;
    const { canvas, size } = pane;
    if (canvas.width !== size.width || canvas.height !== size.height) {
      canvas.width = size.width;
      canvas.height = size.height;
    } else {
      context.clearRect(0, 0, size.width, size.height);
    }
    content(context);
  }

  private drawSide(context: CanvasRenderingContext2D, side: Side, pair: Pair): void {
    const sight = pair[side];
    if (sight === null) return;
    draw(context, sight.picture, this.base, this.place());
    drawTiles(context, sight.tiles, sight.of, this.base, this.place());
    if (side === "right" && pair.overlay !== null && !this.store.state.held) {
      context.globalAlpha = this.store.state.opacity;
      draw(context, pair.overlay, this.base, this.place());
      context.globalAlpha = 1;
    }
  }

  private drawFirst(context: CanvasRenderingContext2D, state: State, pair: Pair): void {
    if (state.mode === "side") this.drawSide(context, "left", pair);
    else if (state.mode === "blink") this.drawSide(context, state.blinkRight ? "right" : "left", pair);
    else if (state.mode === "difference") {
      if (pair.left === null || pair.right === null) return;
      const { width, height } = this.base;
      const picture = this.computed.difference(pair.left.picture, pair.right.picture, width, height, state.gain, state.signed);
      draw(context, picture, this.base, this.place());
    } else {
      const edge = this.edge(state);
      for (const side of ["left", "right"] as const) {
        context.save();
        context.beginPath();
        if (side === "left") context.rect(0, 0, edge, this.pane.height);
        else context.rect(edge, 0, this.pane.width - edge, this.pane.height);
        context.clip();
        this.drawSide(context, side, pair);
        context.restore();
      }
    }
  }

  /** Where the wipe's edge is, in device pixels of the pane. */
  edge(state: State): number {
    const area = geometry.visible(this.place(), this.base, this.pane);
    return Math.round(area.x + area.width * state.wipe);
  }

  private placeHandle(state: State): void {
    this.handle.hidden = state.mode !== "wipe" || state.left === state.right;
    const ratio = this.pane.width / (this.panes[0].canvas.clientWidth || 1);
    const area = geometry.visible(this.place(), this.base, this.pane);
    this.handle.style.left = `${this.edge(state) / ratio}px`;
    this.handle.style.top = `${area.y / ratio}px`;
    this.handle.style.height = `${area.height / ratio}px`;
    setAttribute(this.handle, "aria-valuenow", String(Math.round(100 * state.wipe)));
    setAttribute(this.handle, "aria-valuetext", words.edgeAt(Math.round(100 * state.wipe)));
  }

  /** Draw how long some millimetres are, where a pixel's size is known. */
  private measure(run: ViewRun): void {
    const across = run.pixel_mm?.[1];
    for (const pane of this.panes) {
      pane.scaleBar.hidden = across === undefined || pane.size.width === 0;
      if (across === undefined || pane.size.width === 0) continue;
      const { millimetres, width } = geometry.scaleBar(this.place(), across, pane.size);
      const ratio = pane.size.width / (pane.canvas.clientWidth || pane.size.width);
      pane.scaleBar.style.width = `${width / ratio}px`;
      setText(pane.scaleBar, millimetres >= 0.1 ? units.millimetres(significant(millimetres)) : units.micrometres(significant(1000 * millimetres)));
    }
  }

  private wipeByKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by: Record<string, number> = { ArrowLeft: -0.01, ArrowRight: 0.01, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    const change = by[event.key];
    if (change === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const factor = event.shiftKey ? 5 : 1;
    this.store.set({ wipe: Math.min(Math.max(this.store.state.wipe + factor * change, 0), 1) });
  }

  /** Write over the panes what they show, and tell it to those who cannot see it. */
  private name(state: State, sides: Record<Side, Shown | null>): void {
    const overlay = this.store.run?.overlays.find((candidate) => candidate.name === state.overlay);
    const text = (side: Side): string => {
      const layer = sides[side];
      if (layer === null) return "";
      const over = side === "right" && overlay !== undefined && !state.held ? words.with(layer.label, capital(overlay.label)) : layer.label;
      return layer.note === null ? over : words.noted(over, layer.note);
    };
    const [first, second] = this.panes;
    const show = (tag: HTMLElement, said: string): void => {
      setText(tag, said);
      tag.hidden = said === "";
    };
    const blink = state.mode === "blink";
    const difference = words.difference(state.gain, state.signed);
    if (state.mode === "difference") {
      show(first.tags.left, difference);
      show(first.tags.right, words.same(state.signed));
    } else {
      show(first.tags.left, blink && state.blinkRight ? "" : text("left"));
      show(first.tags.right, state.mode === "side" || (state.mode === "wipe" && state.left === state.right) || (blink && !state.blinkRight) ? "" : text("right"));
    }
    show(second.tags.left, text("right"));
    show(second.tags.right, "");
    const [left, right] = [sides.left?.label ?? words.nothing, sides.right?.label ?? words.nothing];
    const what = state.mode === "difference" ? difference : words.modes[state.mode].label;
    setAttribute(first.element, "aria-label", words.pane(what, left, right, words.paneHelp));
    setAttribute(second.element, "aria-label", words.rightPane(right, words.paneHelp));
  }
}
