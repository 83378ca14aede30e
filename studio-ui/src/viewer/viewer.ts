/** The one viewer of the report and of the studio. */

import type { ViewRun } from "../model.ts";
import { h } from "../dom.ts";
import { Pictures } from "./pictures.ts";
import { settleSources } from "./sources.ts";
import { Stage } from "./stage.ts";
import { INITIAL, Store } from "./state.ts";

export interface ViewerOptions {
  /** Where single keys are heard: on the whole page (a report), or only inside the viewer (default). */
  keys?: "page" | "viewer";
  /** Something of the page's own beside the timeline, such as "take this step". */
  beside?: HTMLElement;
}

export interface ViewerEvents {
  /** The timeline's step changed; null is the kept one. */
  step: number | null;
  /** Another run was selected. */
  run: string | null;
}

export interface Viewer {
  readonly element: HTMLElement;
  /** The timeline's step; null is the one that was kept. */
  step: number | null;
  /** The id of the run that is shown. */
  readonly run: string | null;
  /** Show these runs; newer data of the same ids keep zoom, mode and step. */
  show(runs: ViewRun[]): void;
  select(id: string): void;
  on<K extends keyof ViewerEvents>(name: K, listener: (value: ViewerEvents[K]) => void): () => void;
  destroy(): void;
}

export function mountViewer(root: HTMLElement, _options: ViewerOptions = {}): Viewer {
  const store = new Store(INITIAL);
  let wanted = 0;
  const repaint = (): void => {
    if (wanted === 0) {
      wanted = requestAnimationFrame(() => {
        wanted = 0;
        stage.paint();
      });
    }
  };
  const pictures = new Pictures(repaint);
  const stage = new Stage(store, pictures);
  store.subscribe(repaint);
  const element = h("section", { class: "viewer", "aria-label": "Viewer" }, stage.element);
  root.append(element);

  const choose = (runs: ViewRun[], id: string | null): void => {
    const run = runs.find((candidate) => candidate.id === id) ?? runs[0] ?? null;
    const state = { ...store.state, runs };
    store.set({ runs, run: run?.id ?? null, ...(run === null ? {} : settleSources(state, run)) });
  };
  return {
    element,
    get step() {
      return store.state.step;
    },
    set step(step: number | null) {
      store.set({ step });
    },
    get run() {
      return store.state.run;
    },
    show: (runs) => choose(runs, store.state.run),
    select: (id) => choose(store.state.runs, id),
    on(name, listener) {
      return store.subscribe((state, before) => {
        if (state[name] !== before[name]) (listener as (value: unknown) => void)(state[name]);
      });
    },
    destroy() {
      cancelAnimationFrame(wanted);
      stage.destroy();
      pictures.destroy();
      element.remove();
    },
  };
}
