/** A part of the viewer: an element that is brought up to date after each change. */

import type { ViewRun } from "../model.ts";
import type { State } from "./state.ts";

export interface Part {
  readonly element: HTMLElement;
  update(state: State, run: ViewRun): void;
  destroy?(): void;
}
