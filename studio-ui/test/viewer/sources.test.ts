import assert from "node:assert/strict";
import { test } from "node:test";

import type { ViewRun } from "../../src/model.ts";
import { choices, frame, sameFrame, settleSources, shown } from "../../src/viewer/sources.ts";
import { INITIAL, type State } from "../../src/viewer/state.ts";

const layer = (label: string, width: number) => ({ label, src: label, width, height: width });

function makeRun(change: Partial<ViewRun> = {}): ViewRun {
  return {
    id: "a",
    title: "A",
    task: "denoise",
    recipe: "fast",
    status: "finished",
    layers: { observed: layer("Observed", 16), estimate: layer("Estimate", 64) },
    overlays: [],
    snapshots: [10, 20, 40].map((step) => ({ step, src: `at-${step}`, width: 32, height: 32 })),
    history: { step: [], loss: [], psnr_observed: [], truth_step: [], psnr_truth: [], psnr_truth_iterate: [] },
    stop: null,
    peak: null,
    facts: [],
    settings: [],
    notes: [],
    command: "",
    python: "",
    ...change,
  };
}

const state = (change: Partial<State> = {}): State => ({ ...INITIAL, ...change });

test("the coordinates are the estimate's, whatever the observed picture's size", () => {
  assert.equal(frame(makeRun()).width, 64);
  assert.equal(frame(makeRun({ layers: { observed: layer("Observed", 16) } })).width, 32);
  assert.ok(sameFrame(makeRun(), makeRun({ id: "b" })));
});

test("the timeline shows the nearest snapshot, and the kept estimate at its end", () => {
  const run = makeRun();
  assert.equal(shown("timeline", state({ step: 22 }), run)?.src, "at-20");
  assert.equal(shown("timeline", state({ step: null }), run)?.src, "Estimate");
});

test("what is smaller than the frame is said to be enlarged", () => {
  const run = makeRun();
  assert.match(shown("timeline", state({ step: 10 }), run)?.note ?? "", /32 × 32, shown enlarged/);
  assert.match(shown("observed", state(), run)?.note ?? "", /16 × 16, shown enlarged/);
  assert.equal(shown("estimate", state(), run)?.note, null);
});

test("a run that has no estimate yet shows its last snapshot", () => {
  const run = makeRun({ layers: { observed: layer("Observed", 32) } });
  assert.equal(shown("timeline", state(), run)?.src, "at-40");
});

test("only what a run has can be chosen; the estimates of other runs too", () => {
  const run = makeRun();
  const other = makeRun({ id: "b", title: "B" });
  const values = choices(state({ runs: [run, other] }), run).map(({ value }) => value);
  assert.deepEqual(values, ["observed", "timeline", "estimate", "run:b"]);
  assert.equal(shown("run:b", state({ runs: [run, other] }), run)?.label, "B: Estimate");
});

test("a choice that a run lacks gives way to one that it has", () => {
  const bare = makeRun({ snapshots: [] });
  assert.deepEqual(settleSources(state({ wanted: { left: "truth", right: "timeline" } }), bare), { left: "observed", right: "estimate" });
  const kept = settleSources(state({ wanted: { left: "estimate", right: "observed" } }), makeRun());
  assert.deepEqual(kept, { left: "estimate", right: "observed" });
});

test("a run that waited shows its estimate as soon as there is one", () => {
  const waiting = makeRun({ layers: { observed: layer("Observed", 16) }, snapshots: [] });
  const before = state(settleSources(state(), waiting));
  assert.equal(before.right, "observed");
  assert.equal(settleSources(before, makeRun()).right, "timeline");
});
