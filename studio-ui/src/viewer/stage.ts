/** The panes: canvases that show the two pictures in step, with the wipe's handle and the names of what is seen. */

import type { ViewRun } from "../model.ts";
import { h, setAttribute, setText } from "../dom.ts";
import { capital, significant } from "./format.ts";
import * as geometry from "./geometry.ts";
import type { PaneSize, Point, Size } from "./geometry.ts";
import { listen, type Moved } from "./gestures.ts";
import { Computed, drawTiled, type Tiled } from "./paint.ts";
import { devicePixels, Pane, type Side } from "./pane.ts";
import type { Part } from "./part.ts";
import type { Pictures } from "./pictures.ts";
import { numbersOf, numbersOver, regionsSeen, sightOf, sightsToCompare, type Seen, type Sight } from "./sights.ts";
import { fileOf, frame, named, shown, type Shown } from "./sources.ts";
import type { State, Store } from "./state.ts";
import { unitWords as units, viewerWords as words } from "../words.ts";

/** The two pictures of the moment. */
interface Pair {
  left: Sight | null;
  right: Sight | null;
  overlay: Tiled | null;
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
  private readonly last: Partial<Record<Side, { run: string; compares: boolean; sight: Sight }>> = {};

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
    this.computed.begin();
    this.paint(this.panes[0], (context) => this.drawFirst(context, state, pair));
    if (two) this.paint(this.panes[1], (context) => this.drawSide(context, "right", pair));
    this.name(state, sides);
    this.placeHandle(state);
    this.measure(run);
    // Where nothing can be moved a finger that goes up or down scrolls the page.
    const still = !geometry.canPan(this.place(), this.base, this.pane);
    for (const pane of this.panes) pane.element.classList.toggle("still", still);
    const waiting = Object.values(sides).filter((side) => side !== null);
    const failed = waiting.some((side) => this.pictures.failed(state.mode === "difference" ? numbersOf(side) : (side.preview ?? side.src)));
    const empty = pair.left === null && pair.right === null;
    this.message.hidden = !failed && !empty;
    setText(this.message, failed ? words.notLoaded : waiting.length > 0 ? words.loading : words.nothingYet);
  }

  destroy(): void {
    this.observer.disconnect();
  }

  /** What of the picture is seen. */
  private get seen(): Seen {
    return { base: this.base, placed: this.place(), pane: this.pane };
  }

  private pair(state: State, run: ViewRun): Pair {
    const layers = [shown(state.left, state, run), shown(state.right, state, run)] as const;
    const compares = state.mode === "difference";
    const sights = compares
      ? sightsToCompare(this.pictures, [...layers], this.seen)
      : layers.map((layer) => (layer === null ? null : sightOf(this.pictures, layer, this.seen)));
    const find = (side: Side, index: 0 | 1): Sight | null => {
      const sight = sights[index] ?? null;
      if (sight !== null) {
        this.last[side] = { run: run.id, compares, sight };
        return sight;
      }
      const before = this.last[side];
      return layers[index] !== null && before?.run === run.id && before.compares === compares ? before.sight : null;
    };
    const [left, right] = [find("left", 0), find("right", 1)];
    const overlay = run.overlays.find((candidate) => candidate.name === state.overlay);
    const map = overlay === undefined || compares ? null : sightOf(this.pictures, fileOf(overlay), this.seen);
    this.pictures.inUse = new Set([left, right, map].flatMap((sight) => (sight === null ? [] : [sight.picture.src, ...sight.tiles.flatMap(({ picture }) => picture?.src ?? [])])));
    return { left, right, overlay: map === null ? null : this.coloured(map, overlay?.marks ?? false) };
  }

  /** A map in its colours. */
  private coloured({ picture, of, tiles }: Sight, marks: boolean): Tiled {
    const part = (one: Sight["picture"]): Tiled["picture"] => this.computed.overlay(one, marks);
    return { picture: part(picture), of, tiles: tiles.map(({ tile, picture: one }) => ({ tile, picture: one === null ? null : part(one) })) };
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
    drawTiled(context, sight, this.base, this.place());
    if (side === "right" && pair.overlay !== null && !this.store.state.held) {
      context.globalAlpha = this.store.state.opacity;
      drawTiled(context, pair.overlay, this.base, this.place());
      context.globalAlpha = 1;
    }
  }

  private drawFirst(context: CanvasRenderingContext2D, state: State, pair: Pair): void {
    if (state.mode === "side") this.drawSide(context, "left", pair);
    else if (state.mode === "blink") this.drawSide(context, state.blinkRight ? "right" : "left", pair);
    else if (state.mode === "difference") {
      if (pair.left === null || pair.right === null) return;
      const difference = this.difference(pair.left, pair.right, state);
      if (difference !== null) drawTiled(context, difference, this.base, this.place());
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

  /** The difference of two sights: of the copies, and where those are too coarse, part by part, of what is stored. */
  private difference(left: Sight, right: Sight, { gain, signed }: State): Tiled | null {
    const [base, settings] = [this.base, { gain, signed }];
    const whole = left.of.preview === null && right.of.preview === null;
    const size = whole ? base : left.picture.width > right.picture.width ? left.picture : right.picture;
    const picture = this.computed.difference([left.picture.src, right.picture.src], { width: size.width, height: size.height }, settings, () => [left.picture.pixels(), right.picture.pixels()]);
    const tiled = left.tiles.length > 0 || right.tiles.length > 0;
    const tiles = (tiled ? regionsSeen(this.seen) : []).map((tile) => ({
      tile,
      picture: this.computed.difference([left.of.src, right.of.src, `${tile.x},${tile.y}`], { width: tile.width, height: tile.height }, settings, () => {
        const [one, other] = [numbersOver(left, base, tile), numbersOver(right, base, tile)];
        return one === null || other === null ? null : [one, other];
      }),
    }));
    return picture === null ? null : { picture, of: base, tiles };
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
