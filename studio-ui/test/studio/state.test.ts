import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatDecibel, formatRate, formatSeconds } from "../../src/studio/format.ts";
import { jobHash, parseRoute, setupHash } from "../../src/studio/route.ts";
import { Store, initialState, newestFirst, progressOf, reduce, siblings } from "../../src/studio/state.ts";
import type { Job } from "../../src/studio/types.ts";

const job = (id: string, changes: Partial<Job> = {}): Job =>
  ({ id, picture: "p", created: id, status: "running", step: 0, max_steps: 100, ...changes }) as Job;

test("events keep the jobs as the server has them, and no state is changed in place", () => {
  const one = reduce(initialState, { type: "job", job: job("1") });
  const two = reduce(one, { type: "job", job: job("2") });
  const again = reduce(two, { type: "job", job: job("1", { step: 9 }) });
  assert.equal(initialState.jobs.size, 0);
  assert.equal(one.jobs.size, 1);
  assert.equal(two.jobs.get("1")!.step, 0);
  assert.equal(again.jobs.get("1")!.step, 9);
  assert.deepEqual([...reduce(again, { type: "deleted", id: "1" }).jobs.keys()], ["2"]);
  // Told all jobs after a break, those that were deleted meanwhile go.
  assert.deepEqual([...reduce(again, { type: "jobs", jobs: [job("2")] }).jobs.keys()], ["2"]);
});

test("the store tells its listeners of changes only, until they leave", () => {
  const store = new Store();
  const seen: boolean[] = [];
  const leave = store.subscribe((state) => seen.push(state.connected));
  store.dispatch({ type: "connected", connected: true });
  store.dispatch({ type: "connected", connected: false });
  store.dispatch({ type: "deleted", id: "none" });
  leave();
  store.dispatch({ type: "connected", connected: true });
  assert.deepEqual(seen, [false]);
});

test("siblings are other jobs of the picture that have something to show", () => {
  const jobs = [job("1"), job("2"), job("3", { picture: "other" }), job("4", { status: "queued" }), job("5", { status: "failed" })];
  const state = reduce(initialState, { type: "jobs", jobs });
  assert.deepEqual(siblings(state, jobs[0]!).map((j) => j.id), ["2"]);
  assert.deepEqual(newestFirst(state).map((j) => j.id), ["5", "4", "3", "2", "1"]);
});

test("a fit that ended early is done, not part done", () => {
  assert.equal(progressOf(job("1", { step: 25 })), 0.25);
  assert.equal(progressOf(job("1", { step: 25, status: "finished" })), 1);
  assert.equal(progressOf(job("1", { max_steps: null })), 0);
});

test("addresses of screens come back as they were made", () => {
  assert.deepEqual(parseRoute(""), { screen: "start" });
  assert.deepEqual(parseRoute("#/queue"), { screen: "queue" });
  assert.deepEqual(parseRoute(jobHash("a", ["b", "c"])), { screen: "job", id: "a", compare: ["b", "c"] });
  assert.deepEqual(parseRoute(setupHash(["a", "b"], { task: "inpaint" })), {
    screen: "setup", pictures: ["a", "b"], task: "inpaint", from: null,
  });
  assert.deepEqual(parseRoute("#/nowhere/else"), { screen: "start" });
});

test("numbers read as people write them", () => {
  assert.deepEqual([0.2, 59.6, 61, 3661, null, -1].map(formatSeconds), ["under 1 s", "1 min 00 s", "1 min 01 s", "1 h 01 min", "–", "–"]);
  assert.deepEqual([0, 512, 1536, 310 * 2 ** 20, 1000 * 2 ** 20].map(formatBytes), ["0 B", "512 B", "1.5 KiB", "310 MiB", "1.0 GiB"]);
  assert.deepEqual([31.234, null, Number.NaN].map(formatDecibel), ["31.23 dB", "–", "–"]);
  assert.deepEqual([3.25, 21.4, 0, null].map(formatRate), ["3.3 steps/s", "21 steps/s", "–", "–"]);
});
