/** Pointer, wheel and fingers on a pane: wipe, pan, zoom, pixel under the pointer. */

import * as geometry from "./geometry.ts";
import type { Place, Point, Size } from "./geometry.ts";
import type { Pane } from "./pane.ts";
import type { State, Store } from "./state.ts";

/** A wheel's notch, in the pixels that browsers report for it. */
const NOTCH = 100;
/** How near the wipe's edge a drag takes hold of it, in CSS pixels. */
const REACH = 12;
/** So long a press, in milliseconds, that moves less than so many pixels at a time, shows the original. */
const HOLD = 400;
const STILL = 2;

/** What is moved: the stage, as its gestures see it. */
export interface Moved {
  readonly base: Size;
  readonly handle: HTMLElement;
  pointer: Point | null;
  onHover: () => void;
  place(): Place;
  edge(state: State): number;
}

export function listen(pane: Pane, stage: Moved, store: Store): void {
  const { element } = pane;
  const fingers = new Map<number, Point>();
  let wiping = false;
  let turned = 0;
  let pressed = 0;

  /** A finger that rests shows the original until it is lifted. */
  const letGo = (): void => {
    window.clearTimeout(pressed);
    if (store.state.held) store.set({ held: false });
  };
  const wipeTo = (at: Point): void => {
    const area = geometry.visible(stage.place(), stage.base, pane.size);
    if (area.width > 0) store.set({ wipe: Math.min(Math.max((at.x - area.x) / area.width, 0), 1) });
  };
  const hover = (at: Point | null): void => {
    stage.pointer = at;
    stage.onHover();
  };
  const movable = (): boolean => geometry.canPan(stage.place(), stage.base, pane.size);

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = pane.point(event);
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at);
    const reach = (REACH * pane.size.width) / (element.clientWidth || 1);
    const onEdge = event.target === stage.handle || Math.abs(at.x - stage.edge(store.state)) < reach;
    wiping = store.state.mode === "wipe" && fingers.size === 1 && (onEdge || !movable());
    if (wiping) wipeTo(at);
    element.classList.toggle("dragging", !wiping && movable());
    hover(at);
    letGo();
    if (event.target !== stage.handle && fingers.size === 1) pressed = window.setTimeout(() => store.set({ held: true }), HOLD);
  });

  element.addEventListener("pointermove", (event) => {
    const at = pane.point(event);
    hover(at);
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    if (Math.hypot(at.x - before.x, at.y - before.y) > STILL) window.clearTimeout(pressed);
    if (store.state.held) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, at);
    if (other !== undefined) {
      const distance = (one: Point): number => Math.hypot(one.x - other.x, one.y - other.y);
      const factor = distance(at) / Math.max(distance(before), 1);
      const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
      const zoomed = geometry.zoomAt(store.state.view, stage.place().scale * factor, middle, stage.base, pane.size);
      const by = { x: (at.x - before.x) / 2, y: (at.y - before.y) / 2 };
      store.set({ view: geometry.pan(zoomed, by, stage.base, pane.size) });
    } else if (wiping) {
      wipeTo(at);
    } else if (movable()) {
      const by = { x: at.x - before.x, y: at.y - before.y };
      store.set({ view: geometry.pan(store.state.view, by, stage.base, pane.size) });
    }
  });

  const release = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    letGo();
    if (fingers.size === 0) {
      wiping = false;
      element.classList.remove("dragging");
    }
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", () => hover(null));

  element.addEventListener(
    "wheel",
    (event) => {
      const scale = stage.place().scale;
      const fit = geometry.fitScale(stage.base, pane.size);
      const direction = event.deltaY < 0 ? 1 : -1;
      // At the end of the ladder the page scrolls, so that the picture is no trap.
      if (geometry.nextScale(scale, direction, fit) === scale) return;
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : NOTCH / 3;
      // A touchpad's pinch comes as a wheel with the control key and small numbers.
      const amount = event.deltaY * unit * (event.ctrlKey ? 6 : 1);
      turned = Math.sign(turned) === Math.sign(amount) ? turned + amount : amount;
      if (Math.abs(turned) < NOTCH / 2) return;
      turned = 0;
      store.set({ view: geometry.zoomStep(store.state.view, direction, pane.point(event), stage.base, pane.size) });
    },
    { passive: false },
  );

  element.addEventListener("dblclick", (event) => {
    const fit = geometry.fitScale(stage.base, pane.size);
    const view = store.state.view;
    const near = fit === 1 ? 4 : fit < 1 ? 1 : Math.min(4 * fit, geometry.MAX_SCALE);
    const atFit = view.scale === "fit" || Math.abs(view.scale - fit) < 1e-6;
    store.set({
      view: atFit ? geometry.zoomAt(view, near, pane.point(event), stage.base, pane.size) : { ...view, scale: "fit" },
    });
  });
}
