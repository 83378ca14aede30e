/** The one viewer of the report and of the studio. */

import type { ViewRun } from "../model.ts";
import { h, setText } from "../dom.ts";
import { Actions } from "./actions.ts";
import { Keyboard } from "./keyboard.ts";
import { Panels } from "./panels.ts";
import type { Part } from "./part.ts";
import { Pictures } from "./pictures.ts";
import { Plots } from "./plots.ts";
import { Readout } from "./readout.ts";
import { ModeBar } from "./settings.ts";
import { snapshotAt } from "./sources.ts";
import { Stage } from "./stage.ts";
import { INITIAL, Store, type Source, type State } from "./state.ts";
import { Timeline, timelineScores, timelineText } from "./timeline.ts";
import { Toolbar } from "./toolbar.ts";
import { viewerWords as words } from "../words.ts";

export interface ViewerOptions {
  /** Where single keys are heard: on the whole page (a report), or only inside the viewer (default). */
  keys?: "page" | "viewer";
  /** Whether stop reason, facts, notes, settings and code stand beside the picture (default: yes). */
  panels?: boolean;
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
  /** Choose what stands left and right. */
  choose(sources: { left?: Source; right?: Source }): void;
  on<K extends keyof ViewerEvents>(name: K, listener: (value: ViewerEvents[K]) => void): () => void;
  destroy(): void;
}

export function mountViewer(root: HTMLElement, options: ViewerOptions = {}): Viewer {
  // Blinking starts by itself only for those who like things that move.
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const store = new Store({ ...INITIAL, blinking: !calm });
  const live = h("div", { class: "visually-hidden", role: "status" });
  const say = (text: string): void => setText(live, text);

  let frame = 0;
  const schedule = (): void => {
    if (frame === 0) frame = requestAnimationFrame(render);
  };
  const pictures = new Pictures(schedule);
  const element = h("section", { class: "viewer", "aria-label": words.viewer });
  const stage = new Stage(store, pictures, schedule);
  const actions = new Actions(store, stage, element);
  const readout = new Readout(stage, pictures);
  const timeline = new Timeline(store, actions, options.beside ?? null);
  const keyboard = new Keyboard(element, options.keys === "page", store, actions, timeline);
  const toolbar = new Toolbar(store, actions, stage, () => keyboard.help());
  const modeBar = new ModeBar(store);
  const plots = new Plots(actions);
  const panels = options.panels === false ? null : new Panels(say);
  const parts: Part[] = [stage, toolbar, modeBar, readout, timeline, plots, ...(panels === null ? [] : [panels])];
  const aside = h("div", { class: "viewer-side" }, plots.element, panels?.element ?? null);
  const main = h("div", { class: "viewer-main" }, toolbar.element, stage.element, readout.element, modeBar.element, timeline.element);
  element.append(
    h("div", { class: "viewer-body" }, main, aside, panels?.details ?? null),
    live,
    keyboard.dialog,
  );
  root.append(element);

  stage.onHover = () => {
    if (store.run !== null) readout.update(store.state, store.run);
  };

  function render(): void {
    frame = 0;
    const { state, run } = store;
    element.classList.toggle("empty", run === null);
    if (run === null) return;
    for (const part of parts) part.update(state, run);
    preload(run, state);
  }

  /** Decode the neighbours on the timeline, so that scrubbing does not wait. */
  function preload(run: ViewRun, state: State): void {
    const now = snapshotAt(run, state.step);
    if (now === null) return;
    const index = run.snapshots.indexOf(now);
    for (const next of [run.snapshots[index + 1], run.snapshots[index - 1]]) {
      if (next !== undefined) pictures.get(next.preview ?? next.src, next.profile);
    }
  }

  let timer = 0;
  const blink = (): void => store.set({ blinkRight: !store.state.blinkRight });
  const unsubscribe = store.subscribe((state, before) => {
    schedule();
    const timed = state.mode === "blink" && state.blinking;
    const timedBefore = before.mode === "blink" && before.blinking;
    if (timed !== timedBefore || (timed && state.period !== before.period)) {
      window.clearInterval(timer);
      timer = timed ? window.setInterval(blink, state.period) : 0;
    }
    const run = store.run;
    if (run === null) return;
    if (state.run !== before.run && before.run !== null) say(words.run(run.title));
    else if (state.step !== before.step) say(words.timelineSaid(timelineText(run, state.step), timelineScores(run, state.step)));
  });

  return {
    element,
    get step() {
      return store.state.step;
    },
    set step(step: number | null) {
      actions.goTo(step);
    },
    get run() {
      return store.state.run;
    },
    show: (runs) => actions.show(runs, store.state.run),
    select: (id) => actions.show(store.state.runs, id),
    choose: (sources) => actions.choose(sources),
    on: (name, listener) =>
      store.subscribe((state, before) => {
        if (state[name] !== before[name]) (listener as (value: unknown) => void)(state[name]);
      }),
    destroy() {
      cancelAnimationFrame(frame);
      window.clearInterval(timer);
      unsubscribe();
      keyboard.destroy();
      for (const part of parts) part.destroy?.();
      pictures.destroy();
      element.remove();
    },
  };
}
