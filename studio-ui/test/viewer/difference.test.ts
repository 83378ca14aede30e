import assert from "node:assert/strict";
import { test } from "node:test";

import { difference, type Pixels } from "../../src/viewer/difference.ts";

function pixels(width: number, height: number, value: (x: number, y: number) => number[]): Pixels {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([...value(x, y), 255], 4 * (y * width + x));
  }
  return { width, height, data };
}

const left = pixels(4, 2, (x, y) => [10 * x, 100, 20 * y]);
const right = pixels(4, 2, (x, y) => [10 * x + 3, 98, 20 * y]);

test("signed: middle gray where both are equal, and the sign is right minus left", () => {
  const out = difference(left, right, left, { gain: 4, signed: true });
  assert.deepEqual([...out.subarray(0, 4)], [128 + 12, 128 - 8, 128, 255]);
  const same = difference(left, left, left, { gain: 32, signed: true });
  assert.ok(same.every((value, index) => value === (index % 4 === 3 ? 255 : 128)));
});

test("exchanging the pictures mirrors the signed difference and leaves the absolute one", () => {
  const settings = { gain: 5, signed: true };
  const there = difference(left, right, left, settings);
  const back = difference(right, left, left, settings);
  there.forEach((value, index) => index % 4 === 3 || assert.equal(value + (back[index] ?? 0), 256));
  const absolute = { gain: 5, signed: false };
  assert.deepEqual(difference(left, right, left, absolute), difference(right, left, left, absolute));
});

test("absolute: the gain multiplies, and what is too large is white", () => {
  assert.deepEqual([...difference(left, right, left, { gain: 1, signed: false }).subarray(0, 4)], [3, 2, 0, 255]);
  const wide = difference(pixels(1, 1, () => [0, 0, 0]), pixels(1, 1, () => [255, 20, 1]), { width: 1, height: 1 }, { gain: 32, signed: false });
  assert.deepEqual([...wide], [255, 255, 32, 255]);
});

test("a smaller layer counts with its nearest pixels", () => {
  const small = pixels(2, 1, (x) => [x === 0 ? 50 : 60, 0, 0]);
  const large = pixels(4, 2, () => [50, 0, 0]);
  const out = difference(small, large, large, { gain: 1, signed: false });
  const reds = Array.from({ length: 8 }, (_, index) => out[4 * index]);
  assert.deepEqual(reds, [0, 0, 10, 10, 0, 0, 10, 10]);
});
