/** The difference of two pictures as a picture of its own. */

import { pixelIn, type Size } from "./geometry.ts";

export interface Pixels extends Size {
  /** Red, green, blue, alpha; 8 bits each. */
  data: Uint8ClampedArray;
}

export interface DifferenceSettings {
  gain: number;
  /** Signed: middle gray is no difference, lighter means that the right picture is brighter. */
  signed: boolean;
}

/** For every column (or row) of the frame the index in a layer of another size. */
function indices(layer: number, frame: number): Uint32Array {
  return Uint32Array.from({ length: frame }, (_, index) => {
    const along = { width: layer, height: 1 };
    return pixelIn(along, { x: index, y: 0 }, { width: frame, height: 1 }).x;
  });
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
