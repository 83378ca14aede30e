/** The slider through the snapshots of a fit; its last place is the estimate that was kept. */

import type { ViewRun } from "../model.ts";
import { h, icon, setAttribute, setText } from "../dom.ts";
import { timelineIndex, type Actions } from "./actions.ts";
import { decibels, keptText } from "./format.ts";
import { valueAt } from "./history.ts";
import type { Part } from "./part.ts";
import type { State, Store } from "./state.ts";
import { viewerWords as words } from "../words.ts";

/** Milliseconds a snapshot while playing. */
const TEMPO = 120;

/** What the timeline's position is called. */
export function timelineText(run: ViewRun, step: number | null): string {
  if (step !== null) return words.step(step);
  if (run.stop === null) return run.status === "running" ? words.now : words.latest;
  return keptText(run.stop);
}

/** What the curves say at the timeline's position. */
export function timelineScores(run: ViewRun, step: number | null): string {
  const { history } = run;
  const at = step ?? run.stop?.kept_step ?? history.step.at(-1) ?? 0;
  const observed = valueAt(history.step, history.psnr_observed, at);
  const truth = valueAt(history.truth_step, history.psnr_truth, at);
  const said = [
    observed === null ? null : words.toOriginal(decibels(observed)),
    truth === null ? null : words.toTruth(decibels(truth)),
  ].filter((text) => text !== null);
  return said.length === 0 ? "" : words.scores(said);
}

export class Timeline implements Part {
  readonly element: HTMLElement;
  private readonly slider = h("input", { type: "range", min: "0", step: "1", "aria-label": words.timeline });
  private readonly place = h("strong");
  private readonly scores = h("span", { class: "muted" });
  private readonly play: HTMLButtonElement;
  private readonly kept: HTMLButtonElement;
  private readonly peak: HTMLButtonElement;
  private readonly store: Store;
  private readonly actions: Actions;
  private timer = 0;

  constructor(store: Store, actions: Actions, beside: HTMLElement | null) {
    this.store = store;
    this.actions = actions;
    const button = (label: string | Node, title: string, onclick: () => void, small = true): HTMLButtonElement =>
      h("button", { type: "button", class: small ? "icon" : false, title, "aria-label": small && title, onclick }, label);
    this.slider.addEventListener("input", () => {
      this.stop();
      const run = store.run;
      if (run !== null) actions.goTo(run.snapshots[Number(this.slider.value)]?.step ?? null);
    });
    this.play = button(icon("play"), words.play, () => this.toggle());
    this.kept = button(words.kept, words.keptTitle, () => actions.goTo(null), false);
    this.peak = button(words.peak, words.peakTitle, () => this.toPeak(), false);
    this.element = h(
      "div",
      { class: "timeline" },
      h(
        "div",
        { class: "timeline-row" },
        this.play,
        button(icon("earlier"), words.earlier, () => actions.move(-1)),
        this.slider,
        button(icon("later"), words.later, () => actions.move(1)),
        this.kept,
        this.peak,
      ),
      h("div", { class: "timeline-row timeline-text" }, this.place, this.scores, beside),
    );
  }

  update(state: State, run: ViewRun): void {
    this.element.hidden = run.snapshots.length === 0;
    this.slider.max = String(run.snapshots.length);
    this.slider.value = String(timelineIndex(run, state.step));
    const text = timelineText(run, state.step);
    setAttribute(this.slider, "aria-valuetext", text);
    setText(this.place, text);
    setText(this.scores, timelineScores(run, state.step));
    setText(this.kept, run.stop === null ? words.latest : run.stop.taken ? words.taken : words.kept);
    setAttribute(this.kept, "aria-pressed", String(state.step === null));
    this.peak.hidden = run.peak === null;
    const playing = this.timer !== 0;
    if (this.play.classList.contains("playing") !== playing) {
      this.play.classList.toggle("playing", playing);
      this.play.replaceChildren(icon(playing ? "pause" : "play"));
      setAttribute(this.play, "aria-label", playing ? words.pausePlay : words.play);
    }
  }

  toPeak(): void {
    const peak = this.store.run?.peak;
    if (peak !== undefined && peak !== null) this.actions.goTo(peak.step);
  }

  toggle(): void {
    if (this.timer !== 0) this.stop();
    else {
      const { run, state } = this.store;
      if (run === null || run.snapshots.length === 0) return;
      if (state.step === null) this.actions.goTo(run.snapshots[0]?.step ?? null);
      this.timer = window.setInterval(() => {
        this.actions.move(1);
        if (this.store.state.step === null) this.stop();
      }, TEMPO);
      this.store.set({});
    }
  }

  destroy(): void {
    window.clearInterval(this.timer);
  }

  private stop(): void {
    if (this.timer === 0) return;
    window.clearInterval(this.timer);
    this.timer = 0;
    this.store.set({});
  }
}
