import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBetween } from "../../src/studio/format.ts";

test("a time is told with two digits, in one unit", () => {
  assert.equal(formatBetween(0.4, 0.9), "1 to 2 s");
  assert.equal(formatBetween(20, 62), "20 to 62 s");
  assert.equal(formatBetween(90, 480), "1.5 to 8.0 min");
  assert.equal(formatBetween(700, 1500), "12 to 25 min");
  assert.equal(formatBetween(3600, 4 * 3600), "1.0 to 4.0 h");
});
