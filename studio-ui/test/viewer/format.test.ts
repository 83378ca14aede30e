import assert from "node:assert/strict";
import { test } from "node:test";

import { capital, decibels, keptText, pixelValue, significant } from "../../src/viewer/format.ts";

test("significant digits, and whole digits are never rounded away", () => {
  assert.equal(significant(0.0034567), "0.00346");
  assert.equal(significant(28.3149), "28.3");
  assert.equal(significant(12345), "12345");
  assert.equal(significant(1e-5), "1.00e-5");
  assert.equal(significant(-2.5), "−2.5");
  assert.equal(significant(0), "0");
});

test("what is not known is a dash", () => {
  for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(significant(value), "–");
    assert.equal(decibels(value), "–");
  }
});

test("decibels have two digits", () => {
  assert.equal(decibels(28.306), "28.31 dB");
  assert.equal(decibels(-0.5), "−0.50 dB");
});

test("pixel values keep their width, and gray is one number", () => {
  assert.equal(pixelValue([5, 55, 255], false), "\u2007\u20075 \u200755 255");
  assert.equal(pixelValue([7, 7, 7], true), "\u2007\u20077");
});

test("a capital at the head, but never for a letter of the field", () => {
  assert.equal(capital("observed"), "Observed");
  assert.equal(capital("σ of the noise"), "σ of the noise");
  assert.equal(capital("PSNR"), "PSNR");
  assert.equal(capital(""), "");
});

test("what was kept names the second stage", () => {
  const stop = { step: 40, kept_step: 30, kept: "average", refined: false, reason: "max_steps", advice: "" };
  assert.equal(keptText(stop), "Kept: the average of step 30");
  assert.equal(
    keptText({ ...stop, refined: true }),
    "Kept: the average of step 30, then the picture filtered with it as the guide",
  );
});
