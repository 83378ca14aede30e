import assert from "node:assert/strict";
import { test } from "node:test";

import {
  canPan,
  fitScale,
  isExact,
  LADDER,
  MAX_SCALE,
  nextScale,
  pan,
  pixelAt,
  pixelIn,
  place,
  scaleBar,
  settle,
  toPicture,
  visible,
  zoomAt,
  zoomLabel,
  zoomStep,
  type View,
} from "../../src/viewer/geometry.ts";

const picture = { width: 512, height: 384 };
const pane = { width: 800, height: 600 };
const fit: View = { scale: "fit", centre: { x: 0, y: 0 } };
const actual: View = { scale: 1, centre: { x: 0, y: 0 } };

test("a scale bar is of a round length and at most a fifth of the pane", () => {
  for (const millimetres of [0.0013, 0.21, 0.5, 0.94, 3]) {
    for (const scale of [0.25, 1, 3]) {
      const bar = scaleBar({ scale, x: 0, y: 0 }, millimetres, pane);
      assert.ok(bar.width <= pane.width / 5 + 1e-9 && bar.width > pane.width / 5 / 2.6);
      assert.ok(Math.abs((bar.width / scale) * millimetres - bar.millimetres) < 1e-9 * bar.millimetres);
      assert.match(bar.millimetres.toExponential(), /^[125]e|^(1|2|5)(\.0+)?e/);
    }
  }
});

test("fit shows all, and fills the pane", () => {
  assert.equal(fitScale({ width: 1600, height: 900 }, pane), 0.5);
  assert.equal(fitScale(picture, pane), 1.5625);
  assert.equal(fitScale({ width: 4, height: 4 }, pane), MAX_SCALE);
  assert.equal(fitScale(picture, { width: 0, height: 0 }), 1);
});

test("pixels are exact at whole scales from 1:1 on", () => {
  assert.deepEqual([0.5, 1, 1.5625, 2, 16].map(isExact), [false, true, false, true, true]);
});

test("fit centres the picture on whole pixels", () => {
  assert.deepEqual(place(fit, picture, pane), { scale: 1.5625, x: 0, y: 0 });
  assert.deepEqual(place(fit, { width: 500, height: 300 }, pane), { scale: 1.6, x: 0, y: 60 });
  assert.deepEqual(place(actual, { width: 511, height: 383 }, pane), { scale: 1, x: 145, y: 109 });
});

test("the pixel under the pointer stays under it at every zoom", () => {
  let view = fit;
  const at = { x: 300, y: 250 };
  const before = pixelAt(at, place(view, picture, pane), picture);
  for (const scale of LADDER.filter((rung) => rung >= 2)) {
    view = zoomAt(view, scale, at, picture, pane);
    assert.equal(place(view, picture, pane).scale, scale);
    assert.deepEqual(pixelAt(at, place(view, picture, pane), picture), before);
  }
});

test("a picture larger than the pane never leaves a gap", () => {
  let view: View = { scale: 4, centre: { x: 256, y: 192 } };
  for (const by of [{ x: 1e5, y: 1e5 }, { x: -1e5, y: -1e5 }, { x: 123, y: -77 }]) {
    view = pan(view, by, picture, pane);
    const placed = place(view, picture, pane);
    assert.ok(placed.x <= 0 && placed.x + 4 * picture.width >= pane.width);
    assert.ok(placed.y <= 0 && placed.y + 4 * picture.height >= pane.height);
  }
});

test("a pan past the edge leaves no slack", () => {
  const start: View = { scale: 4, centre: { x: 256, y: 192 } };
  const edge = pan(start, { x: 1e5, y: 0 }, picture, pane);
  const back = pan(edge, { x: -40, y: 0 }, picture, pane);
  assert.equal(place(edge, picture, pane).x, 0);
  assert.equal(place(back, picture, pane).x, -40);
});

test("a pan moves by as much as the pointer, and back", () => {
  const start: View = { scale: 8, centre: { x: 200, y: 150 } };
  const there = pan(start, { x: 13, y: -9 }, picture, pane);
  const [a, b] = [place(start, picture, pane), place(there, picture, pane)];
  assert.deepEqual({ x: b.x - a.x, y: b.y - a.y }, { x: 13, y: -9 });
  assert.deepEqual(place(pan(there, { x: -13, y: 9 }, picture, pane), picture, pane), a);
});

test("settling changes nothing that is seen", () => {
  for (const scale of [0.5, 1, 3, 16] as const) {
    for (const x of [-50, 0, 100.3, 512, 900]) {
      const view: View = { scale, centre: { x, y: 20 } };
      assert.deepEqual(place(settle(view, picture, pane), picture, pane), place(view, picture, pane));
    }
  }
});

test("beside the picture there is no pixel", () => {
  const placed = place(actual, picture, pane);
  assert.equal(pixelAt({ x: 143, y: 300 }, placed, picture), null);
  assert.deepEqual(pixelAt({ x: 144, y: 108 }, placed, picture), { x: 0, y: 0 });
  assert.deepEqual(pixelAt({ x: 655.9, y: 491.9 }, placed, picture), { x: 511, y: 383 });
  assert.equal(pixelAt({ x: 656, y: 300 }, placed, picture), null);
});

test("a pixel of a smaller layer is the one that is drawn there", () => {
  const small = { width: 128, height: 96 };
  assert.deepEqual(pixelIn(small, { x: 0, y: 0 }, picture), { x: 0, y: 0 });
  assert.deepEqual(pixelIn(small, { x: 3, y: 4 }, picture), { x: 0, y: 1 });
  assert.deepEqual(pixelIn(small, { x: 511, y: 383 }, picture), { x: 127, y: 95 });
  assert.deepEqual(pixelIn(picture, { x: 77, y: 5 }, picture), { x: 77, y: 5 });
});

test("the ladder goes from fit to 16:1 and back, and ends there", () => {
  const low = fitScale({ width: 1900, height: 900 }, pane);
  let scale = low;
  const up = [scale];
  while (nextScale(scale, 1, low) !== scale) up.push((scale = nextScale(scale, 1, low)));
  assert.equal(scale, MAX_SCALE);
  assert.ok(up.includes(1));
  const down = [scale];
  while (nextScale(scale, -1, low) !== scale) down.push((scale = nextScale(scale, -1, low)));
  assert.deepEqual(down, up.toReversed());
});

test("back at fit the view follows the pane again", () => {
  const middle = { x: 400, y: 300 };
  const nearer = zoomStep(fit, 1, middle, picture, pane);
  assert.equal(nearer.scale, 2);
  assert.equal(zoomStep(nearer, -1, middle, picture, pane).scale, "fit");
});

test("what is visible, and whether there is anything to move", () => {
  const whole = place(actual, picture, pane);
  assert.deepEqual(visible(whole, picture, pane), { x: 144, y: 108, width: 512, height: 384 });
  assert.equal(canPan(whole, picture, pane), false);
  const near = place({ scale: 4, centre: { x: 256, y: 192 } }, picture, pane);
  assert.deepEqual(visible(near, picture, pane), { x: 0, y: 0, ...pane });
  assert.equal(canPan(near, picture, pane), true);
});

test("picture and screen coordinates are each other's inverse", () => {
  const placed = place({ scale: 3, centre: { x: 100, y: 90 } }, picture, pane);
  const { x, y } = toPicture({ x: 17, y: 400 }, placed);
  assert.deepEqual({ x: x * placed.scale + placed.x, y: y * placed.scale + placed.y }, { x: 17, y: 400 });
});

test("zoom in words", () => {
  assert.equal(zoomLabel(1), "1:1");
  assert.equal(zoomLabel(16), "16:1");
  assert.equal(zoomLabel(0.4321), "43 %");
  assert.equal(zoomLabel(1.46), "146 %");
  assert.equal(zoomLabel(0.0625), "6.3 %");
});
