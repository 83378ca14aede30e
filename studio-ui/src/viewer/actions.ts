/** What buttons and keys do. */

import type { ViewRun } from "../model.ts";
import * as geometry from "./geometry.ts";
import type { Point } from "./geometry.ts";
import { nearest } from "./history.ts";
import { settleSources, sameFrame } from "./sources.ts";
import type { Stage } from "./stage.ts";
import type { Mode, Source, Store } from "./state.ts";

export class Actions {
  private readonly store: Store;
  private readonly stage: Stage;
  private readonly root: HTMLElement;

  constructor(store: Store, stage: Stage, root: HTMLElement) {
    this.store = store;
    this.stage = stage;
    this.root = root;
  }

  mode(mode: Mode): void {
    this.store.set({ mode, blinkRight: true });
  }

  zoom(direction: 1 | -1): void {
    const { base, pane } = this.stage;
    this.store.set({ view: geometry.zoomStep(this.store.state.view, direction, this.middle(), base, pane) });
  }

  zoomTo(scale: number): void {
    const { base, pane } = this.stage;
    this.store.set({ view: geometry.zoomAt(this.store.state.view, scale, this.middle(), base, pane) });
  }

  fit(): void {
    this.store.set({ view: { ...this.store.state.view, scale: "fit" } });
  }

  /** Move the picture by parts of the pane. */
  pan(x: number, y: number): void {
    const { base, pane } = this.stage;
    const by = { x: x * pane.width, y: y * pane.height };
    this.store.set({ view: geometry.pan(this.store.state.view, by, base, pane) });
  }

  /** Choose what stands left and right. */
  choose(sources: { left?: Source; right?: Source }): void {
    const wanted = { ...this.store.state.wanted, ...sources };
    this.store.set({ ...sources, wanted });
  }

  swap(): void {
    const { left, right } = this.store.state;
    this.choose({ left: right, right: left });
  }

  /** Go to the snapshot nearest to a step; null is the kept estimate. */
  goTo(step: number | null): void {
    const { run, state } = this.store;
    if (run === null) return;
    const steps = run.snapshots.map((snapshot) => snapshot.step);
    const near = step === null ? null : (steps[nearest(steps, step)] ?? null);
    // A timeline that moves nothing would puzzle: show it on the right where it is on neither side.
    const seen = state.left === "timeline" || state.right === "timeline";
    if (!seen && near !== null) this.choose({ right: "timeline" });
    this.store.set({ step: near });
  }

  /** So many snapshots on; after the last comes the kept estimate. */
  move(by: number): void {
    const { run, state } = this.store;
    if (run === null || run.snapshots.length === 0) return;
    const index = Math.min(Math.max(timelineIndex(run, state.step) + by, 0), run.snapshots.length);
    this.goTo(run.snapshots[index]?.step ?? null);
  }

  /** Show other runs, or newer data of the same. */
  show(runs: ViewRun[], id: string | null): void {
    const { state, run: before } = this.store;
    const run = runs.find((candidate) => candidate.id === id) ?? runs[0] ?? null;
    const view = run !== null && before !== null && sameFrame(run, before) ? state.view : { ...state.view, scale: "fit" as const };
    const next = { ...state, runs, run: run?.id ?? null, view };
    this.store.set(run === null ? next : { ...next, ...settleSources(next, run) });
  }

  neighbour(by: number): void {
    const { runs, run } = this.store.state;
    const index = runs.findIndex((candidate) => candidate.id === run);
    const next = runs[(index + by + runs.length) % runs.length];
    if (next !== undefined) this.show(runs, next.id);
  }

  overlay(): void {
    const { run, state } = this.store;
    this.store.set({ overlay: state.overlay === null ? (run?.overlays[0]?.name ?? null) : null });
  }

  fullScreen(): void {
    if (document.fullscreenElement === null) void this.root.requestFullscreen?.().catch(() => undefined);
    else void document.exitFullscreen();
  }

  private middle(): Point {
    return { x: this.stage.pane.width / 2, y: this.stage.pane.height / 2 };
  }
}

/** The timeline's position: a snapshot's index, or one past the last for the kept estimate. */
export function timelineIndex(run: ViewRun, step: number | null): number {
  if (step === null) return run.snapshots.length;
  return Math.max(nearest(run.snapshots.map((snapshot) => snapshot.step), step), 0);
}
