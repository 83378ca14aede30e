import assert from "node:assert/strict";
import { test } from "node:test";

import { colour, colourise, table, type Rgb } from "../../src/viewer/colormap.ts";

/** CIE L* of a colour of the screen: how light it looks. */
function lightness([red, green, blue]: Rgb): number {
  const decode = (value: number): number => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const y = 0.2126 * decode(red) + 0.7152 * decode(green) + 0.0722 * decode(blue);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

test("lightness rises from end to end, in steps of the same size", () => {
  const light = Array.from({ length: 33 }, (_, index) => lightness(colour(index / 32)));
  const steps = light.slice(1).map((value, index) => value - (light[index] ?? 0));
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  assert.ok(mean > 2.2, `lightness rises by ${mean} a step`);
  for (const step of steps) assert.ok(step > 0.5 * mean && step < 1.6 * mean, `a step of ${step}, the mean is ${mean}`);
});

test("values beyond the ends take the ends' colours", () => {
  assert.deepEqual(colour(-1), colour(0));
  assert.deepEqual(colour(2), colour(1));
});

test("a gray picture takes the table's colours and keeps its transparency", () => {
  const out = colourise(Uint8ClampedArray.from([0, 0, 0, 255, 255, 255, 255, 40, 9, 9, 9, 255]));
  assert.deepEqual([...out.subarray(0, 4)], [...colour(0), 255]);
  assert.deepEqual([...out.subarray(4, 8)], [...colour(1), 40]);
  assert.equal(table().length, 3 * 256);
});

test("of a map that only marks, no is clear: what is known is not darkened, by a smaller copy neither", () => {
  const out = colourise(Uint8ClampedArray.from([0, 0, 0, 255, 255, 255, 255, 255, 85, 85, 85, 255]), true);
  assert.deepEqual([out[3], out[7], out[11]], [0, 255, 85]);
  assert.deepEqual([...out.subarray(8, 11)], [...colour(1)]);
  assert.equal(colourise(Uint8ClampedArray.from([0, 0, 0, 255]))[3], 255, "a part of a map that is low is no mark");
});
