/** The difference of two pictures, or of the same part of both, as a picture of its own. */

import { pixelIn, type Point, type Size } from "./geometry.ts";

export interface Pixels extends Size {
  /** Red, green, blue, alpha; 8 bits each. */
  data: Uint8ClampedArray;
}

export interface DifferenceSettings {
  gain: number;
  /** Signed: middle gray is no difference, lighter means that the right picture is brighter. */
  signed: boolean;
}

/** Pixels of a layer, and where in it they begin. */
export type Piece = Point & { pixels: Pixels };

/** For so many columns (or rows) of the frame from `first` on the index in a layer of another size. */
function indices(layer: number, frame: number, first = 0, length = frame): Uint32Array {
  return Uint32Array.from({ length }, (_, index) => {
    const along = { width: layer, height: 1 };
    return pixelIn(along, { x: first + index, y: 0 }, { width: frame, height: 1 }).x;
  });
}

/** A layer over a part of the frame, put together of its pieces by nearest pixels; null where they do not cover it. */
export function cut(pieces: Piece[], layer: Size, frame: Size, part: Point & Size): Pixels | null {
  const same = layer.width === frame.width && layer.height === frame.height;
  const fits = ({ x, y, pixels }: Piece): boolean => x === part.x && y === part.y && pixels.width === part.width && pixels.height === part.height;
  const one = same ? pieces.find(fits) : undefined;
  if (one !== undefined) return one.pixels;
  const columns = indices(layer.width, frame.width, part.x, part.width);
  const rows = indices(layer.height, frame.height, part.y, part.height);
  const out = new Uint32Array(part.width * part.height);
  let covered = 0;
  for (const { x: left, y: top, pixels } of pieces) {
    const from = new Uint32Array(pixels.data.buffer, pixels.data.byteOffset, pixels.width * pixels.height);
    for (let y = 0; y < part.height; y++) {
      const row = (rows[y] ?? 0) - top;
      if (row < 0 || row >= pixels.height) continue;
      for (let x = 0; x < part.width; x++) {
        const column = (columns[x] ?? 0) - left;
        if (column < 0 || column >= pixels.width) continue;
        out[y * part.width + x] = from[row * pixels.width + column] ?? 0;
        covered += 1;
      }
    }
  }
  return covered < out.length ? null : { width: part.width, height: part.height, data: new Uint8ClampedArray(out.buffer) };
}

/** gain · (right − left) + 128 where signed, gain · |right − left| where not; a layer of another size by nearest pixels. */
export function difference(
  left: Pixels,
  right: Pixels,
  frame: Size,
  { gain, signed }: DifferenceSettings,
): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(frame.width * frame.height * 4);
  const [leftX, rightX] = [indices(left.width, frame.width), indices(right.width, frame.width)];
  const [leftY, rightY] = [indices(left.height, frame.height), indices(right.height, frame.height)];
  // A table of the 511 possible differences: one look-up a value, whatever the settings.
  const table = new Uint8ClampedArray(511);
  for (let value = -255; value <= 255; value++) {
    table[value + 255] = signed ? 128 + gain * value : gain * Math.abs(value);
  }
  const a = left.data;
  const b = right.data;
  let at = 0;
  for (let y = 0; y < frame.height; y++) {
    const leftRow = (leftY[y] ?? 0) * left.width;
    const rightRow = (rightY[y] ?? 0) * right.width;
    for (let x = 0; x < frame.width; x++) {
      const i = 4 * (leftRow + (leftX[x] ?? 0));
      const j = 4 * (rightRow + (rightX[x] ?? 0));
      for (let channel = 0; channel < 3; channel++) {
        out[at + channel] = table[(b[j + channel] ?? 0) - (a[i + channel] ?? 0) + 255] ?? 0;
      }
      out[at + 3] = 255;
      at += 4;
    }
  }
  return out;
}
