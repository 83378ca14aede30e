import assert from "node:assert/strict";
import { test } from "node:test";
import { isEnough, numbersAddress, TILE, tileAddress, tileOf, tilePlace, tilesSeen, tilesUnder } from "../../src/viewer/tiles.ts";

const picture = { width: 6000, height: 4000 };
const pane = { width: 1000, height: 800 };

test("at 1:1 only the tiles that are seen are wanted, and together they cover the pane", () => {
  const placed = { scale: 1, x: -1500, y: -900 }; // the pane shows 1500 … 2500, 900 … 1700
  const tiles = tilesSeen(picture, picture, placed, pane);
  assert.deepEqual(tiles.map(({ x, y }) => [x, y]), [[1024, 0], [2048, 0], [1024, 1024], [2048, 1024]]);
});

test("all tiles of a picture cover it once, the last ones narrower", () => {
  const placed = { scale: 0.1, x: 0, y: 0 };
  const tiles = tilesSeen(picture, picture, placed, pane);
  assert.equal(tiles.reduce((sum, { width, height }) => sum + width * height, 0), 24e6);
  assert.deepEqual(tiles.at(-1), { x: 5120, y: 3072, width: 880, height: 928 });
});

test("neighbours meet on one pixel of the screen at any scale", () => {
  for (const scale of [0.37, 2 / 3, 1, 3]) {
    const placed = { scale, x: -7, y: 11 };
    const [left, right] = [0, 1].map((i) => tilePlace({ x: i * TILE, y: 0, width: TILE, height: TILE }, picture, picture, placed));
    assert.equal(left!.x + left!.width, right!.x);
    assert.ok(Number.isInteger(left!.width));
  }
});

test("a layer of another size than the frame has tiles of its own", () => {
  const half = { width: 3000, height: 2000 };
  const placed = { scale: 1, x: -3000, y: -2000 }; // the frame's middle
  assert.deepEqual(tilesSeen(half, picture, placed, pane).map(({ x, y }) => [x, y]), [[1024, 0], [1024, 1024]]);
  assert.deepEqual(tileOf({ x: 2999, y: 1 }, half), { x: 2048, y: 0, width: 952, height: 1024 });
});

test("nothing is wanted of a picture beside the pane", () => {
  assert.deepEqual(tilesSeen(picture, picture, { scale: 1, x: 2000, y: 0 }, pane), []);
});

test("a copy is enough up to its own pixels", () => {
  assert.ok(isEnough(2048, picture, { scale: 1 / 3, x: 0, y: 0 }));
  assert.ok(!isEnough(2048, picture, { scale: 0.5, x: 0, y: 0 }));
});

test("an address keeps what it asks for", () => {
  assert.equal(tileAddress("/a.png", { x: 0, y: 1024 }), "/a.png?x=0&y=1024");
  assert.equal(tileAddress("/a.png?v=1", { x: 0, y: 0 }), "/a.png?v=1&x=0&y=0");
});

test("under a part of the frame lie the tiles of a layer of the same size, and of another", () => {
  const part = { x: 1024, y: 2048, width: 1024, height: 1024 };
  assert.deepEqual(tilesUnder(picture, picture, part), [part]);
  const twice = { width: 12000, height: 8000 };
  assert.deepEqual(tilesUnder(twice, picture, part).map(({ x, y }) => [x, y]), [[2048, 4096], [3072, 4096], [2048, 5120], [3072, 5120]]);
  const half = { width: 3000, height: 2000 };
  assert.deepEqual(tilesUnder(half, picture, part).map(({ x, y }) => [x, y]), [[0, 1024]]);
});

test("what is subtracted is another copy than what is looked at", () => {
  assert.equal(numbersAddress("/a.webp?page=1&v=1"), "/a.webp?page=1&v=1&numbers=true");
});
