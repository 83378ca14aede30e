import assert from "node:assert/strict";
import { test } from "node:test";

import { labelsOf } from "../../src/studio/labels.ts";
import type { Job } from "../../src/studio/types.ts";

function job(id: string, changes: Partial<Job> = {}): Job {
  return {
    id, task: "denoise", recipe: "fast", settings: {}, options: { sigma: null }, seed: 0, more_steps: null,
    taken_step: null, kept_step: 100, created: `2026-01-01T10:00:0${id}`, ...changes,
  } as Job;
}

const texts = (...jobs: Job[]): string[] => [...labelsOf(jobs, []).values()];

test("labels say only what differs: options, settings, seed, added steps", () => {
  assert.deepEqual(texts(job("1", { options: { sigma: 10 } }), job("2", { options: { sigma: 40 } })), ["sigma 10", "sigma 40"]);
  assert.deepEqual(texts(job("1"), job("2", { seed: 3 })), ["seed 0", "seed 3"]);
  assert.deepEqual(texts(job("1"), job("2", { more_steps: 100 })), ["as the recipe says", "+ 100 steps"]);
  assert.deepEqual(texts(job("1", { settings: { lr: "0.1" } }), job("2", { recipe: "best" })), ["Fast, lr 0.1", "Best"]);
});

test("jobs that differ in nothing are told apart by their time", () => {
  const [one, other] = texts(job("1"), job("2"));
  assert.notEqual(one, other);
  assert.match(one!, /^as the recipe says, /);
});
