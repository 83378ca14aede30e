import assert from "node:assert/strict";
import { test } from "node:test";
import { Mask } from "../../src/studio/mask.ts";

function rows(mask: Mask): string[] {
  return Array.from({ length: mask.height }, (_, y) =>
    [...mask.pixels.subarray(y * mask.width, (y + 1) * mask.width)].join(""),
  );
}

test("a dot fills the pixels whose middle is within the radius, and no others", () => {
  const mask = new Mask(5, 5);
  mask.line(2.5, 2.5, 2.5, 2.5, 1, 1);
  assert.deepEqual(rows(mask), ["00000", "00100", "01110", "00100", "00000"]);
});

test("the thinnest brush paints the pixel it is in, wherever in the pixel it is", () => {
  for (const [x, y] of [[1.01, 1.01], [1.99, 1.01], [1.5, 1.99]] as const) {
    const mask = new Mask(3, 3);
    mask.line(x, y, x, y, 0.5, 1);
    assert.equal(mask.pixels[4], 1);
  }
});

test("a line has no gaps, and a line off the picture paints only what is on it", () => {
  const mask = new Mask(6, 2);
  mask.line(-5, 0.5, 20, 0.5, 0.5, 1);
  assert.deepEqual(rows(mask), ["111111", "000000"]);
  mask.line(-5, -50, -4, -40, 3, 1);
  assert.equal(mask.count(), 6);
});

test("undo and redo go through the strokes, and a new stroke ends redo", () => {
  const mask = new Mask(8, 8);
  const states = [rows(mask)];
  for (const [x, value] of [[2, 1], [5, 1], [2, 0]] as const) {
    mask.line(x, 2, x, 6, 1.2, value);
    mask.line(x, 6, x + 1, 6, 1.2, value);
    mask.commit();
    states.push(rows(mask));
  }
  for (const state of states.slice(0, -1).reverse()) {
    mask.undo();
    assert.deepEqual(rows(mask), state);
  }
  assert.equal(mask.undo(), null);
  for (const state of states.slice(1)) {
    mask.redo();
    assert.deepEqual(rows(mask), state);
  }
  mask.undo();
  mask.invert();
  assert.equal(mask.canRedo, false);
});

test("a stroke that changes nothing is no step of undo", () => {
  const mask = new Mask(4, 4);
  mask.line(1, 1, 1, 1, 1, 0);
  mask.commit();
  assert.equal(mask.canUndo, false);
});

test("the file is white where known and black where to fill, and nothing between", () => {
  const mask = new Mask(2, 1);
  mask.line(0.5, 0.5, 0.5, 0.5, 0.5, 1);
  assert.deepEqual([...mask.toFile()], [0, 0, 0, 255, 255, 255, 255, 255]);
});

test("what was saved loads as it was, and a darker mask too", () => {
  const mask = new Mask(7, 5);
  mask.line(1, 1, 6, 4, 1.3, 1);
  mask.commit();
  const again = new Mask(7, 5);
  again.loadFile(mask.toFile());
  assert.deepEqual(rows(again), rows(mask));
  again.loadFile(mask.toFile().map((value, i) => (i % 4 === 3 ? 255 : value / 5)));
  assert.deepEqual(rows(again), rows(mask));
  assert.equal(again.canUndo, true);
});

test("clear and undo give the picture back", () => {
  const mask = new Mask(3, 3);
  mask.line(1.5, 1.5, 1.5, 1.5, 1, 1);
  mask.commit();
  mask.clear();
  assert.equal(mask.count(), 0);
  mask.undo();
  assert.equal(mask.count(), 5);
  assert.throws(() => mask.replace([1, 2]), /wanted 9/);
});

test("runs bring the mask back, and are refused by another size", () => {
  const mask = new Mask(5, 4);
  mask.line(0, 0, 3, 3, 1, 1);
  const again = new Mask(5, 4);
  assert.ok(again.paintRuns(mask.runs()));
  assert.deepEqual(again.pixels, mask.pixels);
  assert.ok(!new Mask(5, 5).paintRuns(mask.runs()));
  mask.invert();
  assert.ok(again.paintRuns(mask.runs()));
  assert.deepEqual(again.pixels, mask.pixels);
});
