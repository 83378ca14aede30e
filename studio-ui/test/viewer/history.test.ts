import assert from "node:assert/strict";
import { test } from "node:test";

import { align, canBeLogarithmic, lossCurves, marks, nearest, psnrCurves, valueAt } from "../../src/viewer/history.ts";

test("the nearest snapshot, the earlier one of a tie", () => {
  const steps = [0, 10, 100, 400];
  assert.equal(nearest(steps, 54), 1);
  assert.equal(nearest(steps, 55), 1);
  assert.equal(nearest(steps, 56), 2);
  assert.equal(nearest(steps, 1e9), 3);
  assert.equal(nearest([], 3), -1);
});

test("curves with steps of their own share one ascending axis and lose nothing", () => {
  const { steps, values } = align([
    { steps: [1, 3, 5], values: [10, 30, 50] },
    { steps: [2, 3], values: [200, 300] },
  ]);
  assert.deepEqual(steps, [1, 2, 3, 5]);
  assert.deepEqual(values, [
    [10, null, 30, 50],
    [null, 200, 300, null],
  ]);
});

test("a curve that is shorter than its steps, or not finite, has gaps", () => {
  const { values } = align([{ steps: [1, 2, 3, 4], values: [1, null, Number.NaN] }]);
  assert.deepEqual(values, [[1, null, null, null]]);
});

test("only positive losses go on a logarithmic axis", () => {
  assert.equal(canBeLogarithmic([1, null, 0.1]), true);
  assert.equal(canBeLogarithmic([1, 0]), false);
  assert.equal(canBeLogarithmic([1, -0.2]), false);
  assert.equal(canBeLogarithmic([null]), false);
});

test("a value at a step is the nearest known one", () => {
  assert.equal(valueAt([1, 10, 20], [5, null, 7], 9), 5);
  assert.equal(valueAt([1, 10, 20], [5, null, 7], 11), 7);
  assert.equal(valueAt([], [], 3), null);
});

test("curves that a run does not have are left out", () => {
  const history = { step: [1, 2], loss: [1, 1], psnr_observed: [10, 11], truth_step: [], psnr_truth: [], psnr_truth_iterate: [] };
  assert.deepEqual(psnrCurves(history).map(({ key }) => key), ["observed"]);
  const scored = { ...history, truth_step: [2], psnr_truth: [20], psnr_truth_iterate: [null] };
  assert.deepEqual(psnrCurves(scored).map(({ key }) => key), ["observed", "truth"]);
});

test("the error at what was held out stands beside the loss, where a rule watched it", () => {
  const history = { step: [1, 2], loss: [1, 1], psnr_observed: [10, 11], truth_step: [], psnr_truth: [], psnr_truth_iterate: [] };
  assert.deepEqual(lossCurves(history).map(({ key }) => key), ["loss"]);
  const watched = { ...history, held_out_step: [2], held_out: [0.5] };
  assert.deepEqual(lossCurves(watched).map(({ key, steps }) => [key, steps]), [["loss", [1, 2]], ["held-out", [2]]]);
});

test("marked steps are in order, and those that coincide share a mark", () => {
  const stop = { step: 1700, kept_step: 1210, kept: "average", refined: false, reason: "variance", advice: "" };
  const labels = (run: Parameters<typeof marks>[0]): string[] => marks(run).map(({ step, label }) => `${label} ${step}`);
  assert.deepEqual(labels({ stop, peak: { step: 916, psnr: 29 } }), ["peak 916", "kept 1210", "stop 1700"]);
  const whole = { ...stop, step: 300, kept_step: 300 };
  assert.deepEqual(labels({ stop: whole, peak: { step: 300, psnr: 29 } }), ["kept = stop = peak 300"]);
  assert.deepEqual(labels({ stop: null, peak: null }), []);
});
