import assert from "node:assert/strict";
import { test } from "node:test";

import { cut, difference, type Pixels } from "../../src/viewer/difference.ts";

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

/** A part of a picture, as a tile of it comes. */
function tile(of: Pixels, x: number, y: number, width: number, height: number): { x: number; y: number; pixels: Pixels } {
  const at = (column: number, row: number): number => 4 * ((y + row) * of.width + x + column);
  return { x, y, pixels: pixels(width, height, (column, row) => [...of.data.subarray(at(column, row), at(column, row) + 3)]) };
}

test("the difference of tiles is that part of the difference of the pictures, for layers of any size", () => {
  const noise = (width: number, height: number, seed: number): Pixels =>
    pixels(width, height, (x, y) => [(x * 37 + y * 91 + seed) % 256, (x * y + seed) % 256, (7 * x + seed) % 256]);
  const settings = { gain: 3, signed: true };
  const frame = { width: 10, height: 6 };
  const one = noise(10, 6, 5);
  for (const other of [noise(10, 6, 80), noise(7, 4, 80), noise(20, 12, 80)]) {
    const whole = difference(one, other, frame, settings);
    const [half, low] = [Math.ceil(other.width / 2), Math.ceil(other.height / 2)];
    const pieces = [0, half].flatMap((x) => [0, low].map((y) => tile(other, x, y, Math.min(half, other.width - x), Math.min(low, other.height - y))));
    for (const part of [{ x: 0, y: 0, width: 4, height: 4 }, { x: 4, y: 4, width: 4, height: 2 }, { x: 8, y: 0, width: 2, height: 4 }]) {
      const left = cut([tile(one, part.x, part.y, part.width, part.height)], one, frame, part);
      const right = cut(pieces, other, frame, part);
      const got = difference(left!, right!, part, settings);
      for (let y = 0; y < part.height; y++) {
        const from = 4 * ((part.y + y) * frame.width + part.x);
        assert.deepEqual([...got.subarray(4 * y * part.width, 4 * (y + 1) * part.width)], [...whole.subarray(from, from + 4 * part.width)]);
      }
    }
    assert.equal(cut(pieces.slice(1), other, frame, { x: 0, y: 0, ...frame }), null, "a tile is missing");
  }
});
