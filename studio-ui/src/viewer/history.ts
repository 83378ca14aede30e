/** Steps and curves: which snapshot stands for a step, and how curves with their own steps share one axis. */

import type { History, ViewRun } from "../model.ts";
import { viewerWords as words } from "../words.ts";

export type Curve = readonly (number | null)[];

/** The index of the value nearest to `wanted` in an ascending list (the earlier one of a tie); −1 where it is empty. */
export function nearest(ascending: readonly number[], wanted: number): number {
  let best = -1;
  for (const [index, value] of ascending.entries()) {
    const kept = ascending[best];
    if (kept === undefined || Math.abs(value - wanted) < Math.abs(kept - wanted)) best = index;
  }
  return best;
}

/** Curves with steps of their own on one ascending axis; null where a curve has no value. */
export function align(curves: { steps: readonly number[]; values: Curve }[]): { steps: number[]; values: (number | null)[][] } {
  const steps = [...new Set(curves.flatMap((curve) => [...curve.steps]))].sort((a, b) => a - b);
  const position = new Map(steps.map((step, index) => [step, index]));
  const values = curves.map((curve) => {
    const row: (number | null)[] = steps.map(() => null);
    for (const [index, step] of curve.steps.entries()) {
      const value = curve.values[index];
      const at = position.get(step);
      if (at !== undefined && value !== null && value !== undefined && Number.isFinite(value)) row[at] = value;
    }
    return row;
  });
  return { steps, values };
}

/** A logarithmic axis is of use: there are values, and all are positive. */
export function canBeLogarithmic(values: Curve): boolean {
  const known = values.filter((value) => value !== null);
  return known.length > 0 && known.every((value) => value > 0);
}

/** The value of a curve at the known step nearest to `step`, or null. */
export function valueAt(steps: readonly number[], values: Curve, step: number): number | null {
  const known = steps.flatMap((at, index) => {
    const value = values[index];
    return value === null || value === undefined ? [] : [{ at, value }];
  });
  return known[nearest(known.map(({ at }) => at), step)]?.value ?? null;
}

/** The curves that are drawn in the PSNR plot; those that a run does not have are left out. */
export function psnrCurves(history: History): { name: string; key: string; steps: number[]; values: Curve }[] {
  return [
    { name: words.curves.observed, key: "observed", steps: history.step, values: history.psnr_observed },
    { name: words.curves.truth, key: "truth", steps: history.truth_step, values: history.psnr_truth },
    { name: words.curves.iterate, key: "iterate", steps: history.truth_step, values: history.psnr_truth_iterate },
  ].filter((curve) => curve.values.some((value) => value !== null && Number.isFinite(value)));
}

/** The curves of the loss plot: the loss, and the error at what was held out. */
export function lossCurves(history: History): { name: string; key: string; steps: number[]; values: Curve }[] {
  return [
    { name: words.curves.loss, key: "loss", steps: history.step, values: history.loss },
    { name: words.curves.heldOut, key: "held-out", steps: history.held_out_step ?? [], values: history.held_out ?? [] },
  ].filter((curve) => curve.values.some((value) => value !== null));
}

export interface Mark {
  step: number;
  /** "kept" or "taken", "stop", "peak", or several of them: "stop = kept". */
  label: string;
  kind: "kept" | "taken" | "stop" | "peak";
}

/** The steps that are marked in the curves, in order; those that coincide share a mark. */
export function marks(run: Pick<ViewRun, "stop" | "peak">): Mark[] {
  const found: Mark[] = [];
  const add = (step: number, kind: Mark["kind"]): void => {
    const same = found.find((mark) => mark.step === step);
    if (same === undefined) found.push({ step, label: words.marks[kind], kind });
    else same.label += ` = ${words.marks[kind]}`;
  };
  if (run.stop !== null) {
    add(run.stop.kept_step, run.stop.taken ? "taken" : "kept");
    add(run.stop.step, "stop");
  }
  if (run.peak !== null) add(run.peak.step, "peak");
  return found.sort((one, other) => one.step - other.step);
}
