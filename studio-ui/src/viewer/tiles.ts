/** Large pictures part by part: a smaller copy of all of it, and tiles of every pixel where they are seen. */

import { pixelIn, visible, type PaneSize, type Place, type Point, type Size } from "./geometry.ts";

/** The side of a tile (Python: `studio.screen.TILE`). */
export const TILE = 1024;

/** A tile's upper left corner and size, in pixels of its picture. */
export type Tile = Point & Size;

/** The address of a tile of the picture at `src`. */
export function tileAddress(src: string, tile: Point): string {
  return `${src}${src.includes("?") ? "&" : "?"}x=${tile.x}&y=${tile.y}`;
}

/** The address of the copy that is subtracted, where `preview` is the one that is looked at. */
export function numbersAddress(preview: string): string {
  return `${preview}${preview.includes("?") ? "&" : "?"}numbers=true`;
}

function at(column: number, row: number, picture: Size): Tile {
  const [x, y] = [column * TILE, row * TILE];
  return { x, y, width: Math.min(TILE, picture.width - x), height: Math.min(TILE, picture.height - y) };
}

/** The tile that holds a pixel. */
export function tileOf(pixel: Point, picture: Size): Tile {
  return at(Math.floor(pixel.x / TILE), Math.floor(pixel.y / TILE), picture);
}

/** Whether a copy so many pixels wide has a pixel for each of the screen's. */
export function isEnough(copy: number, frame: Size, placed: Place): boolean {
  return frame.width * placed.scale <= copy * 1.01;
}

/** The tiles of a picture over the frame that are seen in a pane, row by row. */
export function tilesSeen(picture: Size, frame: Size, placed: Place, pane: PaneSize): Tile[] {
  const area = visible(placed, frame, pane);
  if (area.width <= 0 || area.height <= 0) return [];
  const pixel = (x: number, y: number): Point =>
    pixelIn(picture, { x: Math.max(0, Math.floor((x - placed.x) / placed.scale)), y: Math.max(0, Math.floor((y - placed.y) / placed.scale)) }, frame);
  return between(pixel(area.x, area.y), pixel(area.x + area.width - 1, area.y + area.height - 1), picture);
}

/** The tiles of a picture over the frame that lie under a part of the frame, row by row. */
export function tilesUnder(picture: Size, frame: Size, part: Tile): Tile[] {
  const last = { x: part.x + part.width - 1, y: part.y + part.height - 1 };
  return between(pixelIn(picture, part, frame), pixelIn(picture, last, frame), picture);
}

/** The tiles from that which holds one pixel to that which holds another. */
function between(first: Point, last: Point, picture: Size): Tile[] {
  const tiles: Tile[] = [];
  for (let row = Math.floor(first.y / TILE); row <= Math.floor(last.y / TILE); row++) {
    for (let column = Math.floor(first.x / TILE); column <= Math.floor(last.x / TILE); column++) tiles.push(at(column, row, picture));
  }
  return tiles;
}

/** Where a tile lies in a pane: on whole pixels, so that no seam shines through. */
export function tilePlace(tile: Tile, picture: Size, frame: Size, placed: Place): Point & Size {
  const [across, down] = [(placed.scale * frame.width) / picture.width, (placed.scale * frame.height) / picture.height];
  const [left, right] = [tile.x, tile.x + tile.width].map((x) => Math.round(placed.x + x * across)) as [number, number];
  const [top, bottom] = [tile.y, tile.y + tile.height].map((y) => Math.round(placed.y + y * down)) as [number, number];
  return { x: left, y: top, width: right - left, height: bottom - top };
}
