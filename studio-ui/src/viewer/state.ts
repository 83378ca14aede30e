/** What the viewer shows at the moment, in one place; every part reads it and is told of changes. */

import type { ViewRun } from "../model.ts";
import type { View } from "./geometry.ts";

export type Mode = "wipe" | "blink" | "side" | "difference";
/** "timeline" is the estimate at the timeline's step; "run:ID" the estimate of another run. */
export type Source = "observed" | "estimate" | "truth" | "timeline" | `run:${string}`;

export interface State {
  runs: ViewRun[];
  run: string | null;
  mode: Mode;
  left: Source;
  right: Source;
  /** What was asked for: shown as soon as the run has it. */
  wanted: { left: Source; right: Source };
  /** The timeline's step; null is the one that was kept. */
  step: number | null;
  view: View;
  /** The part of the visible picture that is left of the wipe's edge. */
  wipe: number;
  gain: number;
  signed: boolean;
  /** Which of the two blink shows. */
  blinkRight: boolean;
  blinking: boolean;
  /** Milliseconds a picture. */
  period: number;
  /** Only the original is shown, for as long as something is pressed. */
  held: boolean;
  /** The name of the overlay, or null. */
  overlay: string | null;
  opacity: number;
}

export const INITIAL: State = {
  runs: [],
  run: null,
  mode: "wipe",
  left: "observed",
  right: "timeline",
  wanted: { left: "observed", right: "timeline" },
  step: null,
  view: { scale: "fit", centre: { x: 0, y: 0 } },
  wipe: 0.5,
  gain: 4,
  signed: true,
  blinkRight: true,
  blinking: true,
  period: 700,
  held: false,
  overlay: null,
  opacity: 0.7,
};

export class Store {
  private current: State;
  private readonly listeners = new Set<(state: State, before: State) => void>();

  constructor(state: State = INITIAL) {
    this.current = state;
  }

  get state(): State {
    return this.current;
  }

  get run(): ViewRun | null {
    return this.current.runs.find((run) => run.id === this.current.run) ?? null;
  }

  set(change: Partial<State>): void {
    const before = this.current;
    this.current = { ...before, ...change };
    for (const listener of this.listeners) listener(this.current, before);
  }

  /** Call `listener` after each change; returns what ends it. */
  subscribe(listener: (state: State, before: State) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
