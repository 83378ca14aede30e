import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest } from "../src/viewer/history.ts";

test("the nearest snapshot, the earlier one of a tie", () => {
  const steps = [0, 10, 100, 400];
  assert.equal(nearest(steps, 54), 1);
  assert.equal(nearest(steps, 55), 1);
  assert.equal(nearest(steps, 56), 2);
  assert.equal(nearest(steps, 1e9), 3);
  assert.equal(nearest([], 3), -1);
});
