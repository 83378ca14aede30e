/** The curves of a fit, with the steps that matter marked, in step with the timeline. */

import uPlot from "uplot";

import type { ViewRun } from "../model.ts";
import { h, setText } from "../dom.ts";
import type { Actions } from "./actions.ts";
import { decibels, significant } from "./format.ts";
import { align, canBeLogarithmic, lossCurves, marks, psnrCurves, valueAt, type Curve } from "./history.ts";
import type { Part } from "./part.ts";
import type { State } from "./state.ts";
import { viewerWords as words } from "../words.ts";

interface Drawn {
  name: string;
  key: string;
  steps: number[];
  values: Curve;
}

const HEIGHT = 180;
/** The labels of the marked steps stand in lanes over the plot. */
const LANES = 2;
const LANE = 15;
const DASHES: Record<string, number[]> = { "other-0": [], "other-1": [6, 2], "other-2": [2, 2], truth: [], observed: [7, 3], iterate: [2, 2], loss: [], "held-out": [7, 3] };

let plots = 0;

class Plot {
  readonly element: HTMLElement;
  private readonly title = h("h2");
  private readonly legend = h("div", { class: "plot-legend" });
  private readonly holder = h("div", { class: "plot-holder", role: "img" });
  private readonly probe = h("i", { class: "probe", "aria-hidden": "true" });
  private readonly observer: ResizeObserver;
  private readonly format: (value: number | null) => string;
  private readonly goTo: (step: number) => void;
  private readonly sync: string;
  private plot: uPlot | null = null;
  private curves: Drawn[] = [];
  private shown = "";
  private run: ViewRun | null = null;
  private step: number | null = null;
  private hovered: number | null = null;

  constructor(sync: string, format: (value: number | null) => string, goTo: (step: number) => void) {
    this.sync = sync;
    this.format = format;
    this.goTo = goTo;
    this.element = h("div", { class: "plot" }, this.title, this.legend, this.holder, this.probe);
    this.observer = new ResizeObserver(() => {
      const width = Math.floor(this.holder.clientWidth);
      if (width > 0) this.plot?.setSize({ width, height: HEIGHT });
    });
    this.observer.observe(this.holder);
  }

  update(run: ViewRun, step: number | null, title: string, curves: Drawn[], logarithmic: boolean): void {
    this.run = run;
    this.step = step;
    this.curves = curves;
    this.element.hidden = curves.length === 0;
    if (curves.length === 0) return;
    setText(this.title, title);
    const key = JSON.stringify([run.id, curves, logarithmic, run.stop, run.peak]);
    const structure = JSON.stringify([run.id, curves.map((curve) => curve.name), logarithmic, marks(run).length > 0]); // marks need room above
    if (this.plot === null || this.holder.dataset["structure"] !== structure) {
      this.make(logarithmic);
      this.holder.dataset["structure"] = structure;
    } else if (this.shown !== key) {
      this.plot.setData(this.data());
    } else {
      this.plot.redraw(false);
    }
    this.shown = key;
    this.describe();
  }

  redraw(): void {
    this.plot?.redraw(false);
  }

  destroy(): void {
    this.observer.disconnect();
    this.plot?.destroy();
  }

  private data(): uPlot.AlignedData {
    const { steps, values } = align(this.curves);
    return [steps, ...values];
  }

  /** A colour of the style sheet as the canvas takes it. */
  private colour(name: string): string {
    this.probe.dataset["colour"] = name;
    return getComputedStyle(this.probe).color;
  }

  private make(logarithmic: boolean): void {
    this.plot?.destroy();
    const font = "11px system-ui, sans-serif";
    const axis = { stroke: () => this.colour("muted"), font, grid: { stroke: () => this.colour("line"), width: 1 }, ticks: { show: false } };
    this.plot = new uPlot(
      {
        width: Math.max(Math.floor(this.holder.clientWidth), 100),
        height: HEIGHT,
        padding: [() => (this.run !== null && marks(this.run).length > 0 ? LANES * LANE + 4 : 8), 12, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, sync: { key: this.sync }, y: false, points: { size: 6 } },
        scales: { x: { time: false, range: (_, low, high) => this.range(low, high) }, y: logarithmic ? { distr: 3 } : {} },
        axes: [
          { ...axis, size: 26, space: 60, values: (_, ticks) => ticks.map((tick) => significant(tick, 4)) },
          { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : significant(tick, 2))) },
        ],
        series: [
          {},
          ...this.curves.map((curve) => ({
            label: curve.name,
            stroke: () => this.colour(curve.key),
            width: 1.5,
            dash: DASHES[curve.key] ?? [],
            spanGaps: true,
            points: { show: false },
          })),
        ],
        hooks: {
          draw: [(plot) => this.drawMarks(plot)],
          setCursor: [(plot) => this.hover(plot)],
        },
      },
      this.data(),
      this.holder,
    );
    const { over } = this.plot;
    const scrub = (event: PointerEvent): void => {
      if (this.plot !== null) this.goTo(this.plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x"));
    };
    over.addEventListener("pointerdown", (event) => {
      over.setPointerCapture(event.pointerId);
      scrub(event);
    });
    over.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) scrub(event);
    });
  }

  private hover(plot: uPlot): void {
    const index = plot.cursor.idx;
    const step = index === null || index === undefined || (plot.cursor.left ?? -1) < 0 ? null : plot.data[0][index];
    if (this.hovered === (step ?? null)) return;
    this.hovered = step ?? null;
    this.describe();
  }

  /** The steps of the curves, and those that are marked. */
  private range(low: number, high: number): [number, number] {
    const steps = this.run === null ? [] : marks(this.run).map(({ step }) => step);
    const [from, to] = [Math.min(low, ...steps), Math.max(high, ...steps)];
    return from === to ? [from, from + 1] : [from, to];
  }

  private drawMarks(plot: uPlot): void {
    const run = this.run;
    if (run === null) return;
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const dashes = { kept: [], taken: [], stop: [6, 4], peak: [2, 3] };
    const lines = marks(run).map(({ step, label, kind }) => ({
      step,
      label: words.markOf(label, step),
      dash: dashes[kind],
      colour: this.colour("text"),
    }));
    const now = this.step;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "bottom";
    ctx.textAlign = "left";
    const free: number[] = Array.from({ length: LANES }, () => -Infinity);
    for (const mark of lines) {
      const x = Math.round(plot.valToPos(mark.step, "x", true)) + 0.5;
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      this.line(ctx, x, bbox, mark.dash, mark.colour, ratio);
      const width = ctx.measureText(mark.label).width;
      const left = Math.min(Math.max(x - width / 2, bbox.left), bbox.left + bbox.width - width);
      const lane = Math.max(free.findIndex((end) => left > end), 0);
      free[lane] = left + width + 6 * ratio;
      ctx.fillStyle = mark.colour;
      ctx.fillText(mark.label, left, bbox.top - (3 + lane * LANE) * ratio);
    }
    if (now !== null) {
      const x = Math.round(plot.valToPos(now, "x", true)) + 0.5;
      this.line(ctx, x, bbox, [], this.colour("accent"), 2 * ratio);
      ctx.fillStyle = this.colour("accent");
      ctx.beginPath();
      const foot = bbox.top + bbox.height;
      ctx.moveTo(x, foot - 7 * ratio);
      ctx.lineTo(x - 5 * ratio, foot);
      ctx.lineTo(x + 5 * ratio, foot);
      ctx.fill();
    }
    ctx.restore();
  }

  private line(ctx: CanvasRenderingContext2D, x: number, bbox: uPlot.BBox, dash: number[], colour: string, width: number): void {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /** Write the values at the hovered step, or at the timeline's, into the legend; and tell the plot in words. */
  private describe(): void {
    const run = this.run;
    if (run === null) return;
    const at = this.hovered ?? this.step ?? run.stop?.kept_step ?? this.curves[0]?.steps.at(-1) ?? 0;
    const values = this.curves.map((curve) => `${curve.name} ${this.format(valueAt(curve.steps, curve.values, at))}`);
    const where = marks(run).map(({ step, label }) => words.markAt(label, step));
    const text = JSON.stringify([at, values, where]);
    if (this.legend.dataset["text"] === text) return;
    this.legend.dataset["text"] = text;
    this.legend.replaceChildren(
      ...this.curves.map((curve) =>
        h(
          "span",
          { class: "plot-key" },
          h("i", { class: "swatch", "data-colour": curve.key, "aria-hidden": "true" }),
          `${curve.name} `,
          h("b", {}, this.format(valueAt(curve.steps, curve.values, at))),
        ),
      ),
      h("span", { class: "muted" }, words.atStep(at)),
    );
    this.holder.setAttribute("aria-label", words.plot(this.title.textContent ?? "", [...values, ...where]));
  }
}

/** The curves of a run, and the first of each of the runs that it is compared with. */
function withOthers(curvesOf: (history: ViewRun["history"]) => Drawn[], run: ViewRun, others: ViewRun[]): Drawn[] {
  const first = others.flatMap((other, index) =>
    curvesOf(other.history).slice(0, 1).map((curve) => ({ ...curve, name: other.title, key: `other-${index % 3}` })));
  return [...curvesOf(run.history), ...first];
}

export class Plots implements Part {
  readonly element: HTMLElement;
  private readonly loss: Plot;
  private readonly psnr: Plot;
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly themes: MutationObserver;
  private last: { run: ViewRun; step: number | null; runs: ViewRun[] } | null = null;
  private readonly repaint = (): void => {
    this.loss.redraw();
    this.psnr.redraw();
  };

  constructor(actions: Actions) {
    const sync = `viewer-plots-${++plots}`;
    const goTo = (step: number): void => actions.goTo(step);
    this.psnr = new Plot(sync, decibels, goTo);
    this.loss = new Plot(sync, (value) => significant(value), goTo);
    this.element = h("div", { class: "plots" }, this.psnr.element, this.loss.element);
    this.scheme.addEventListener("change", this.repaint);
    this.themes = new MutationObserver(this.repaint);
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  update(state: State, run: ViewRun): void {
    // Zoom and pan change nothing here.
    if (run === this.last?.run && state.step === this.last.step && state.runs === this.last.runs) return;
    this.last = { run, step: state.step, runs: state.runs };
    const others = state.runs.filter((other) => other.id !== run.id);
    this.psnr.update(run, state.step, words.psnr, withOthers(psnrCurves, run, others), false);
    const curves = withOthers(lossCurves, run, others);
    const logarithmic = curves.length > 0 && curves.every(({ values }) => canBeLogarithmic(values));
    this.loss.update(run, state.step, logarithmic ? words.lossLogarithmic : words.loss, curves, logarithmic);
    this.element.hidden = curves.length === 0 && psnrCurves(run.history).length === 0;
  }

  destroy(): void {
    this.scheme.removeEventListener("change", this.repaint);
    this.themes.disconnect();
    this.loss.destroy();
    this.psnr.destroy();
  }
}
