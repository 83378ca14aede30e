/** Drawing: a picture in its place, and the pictures that are computed from others. */

import { colourise } from "./colormap.ts";
import { difference } from "./difference.ts";
import { isExact, type Place, type Size } from "./geometry.ts";
import type { Picture } from "./pictures.ts";
import { tilePlace, type Tile } from "./tiles.ts";

export type Drawable = Size & { image: CanvasImageSource };

/** Draw a picture over the frame: pixels as they are at whole scales, else smoothed by the browser. */
export function draw(context: CanvasRenderingContext2D, drawable: Drawable, frame: Size, placed: Place): void {
  const scale = (placed.scale * frame.width) / drawable.width;
  context.imageSmoothingEnabled = !isExact(scale);
  context.imageSmoothingQuality = "high";
  context.drawImage(drawable.image, placed.x, placed.y, frame.width * placed.scale, frame.height * placed.scale);
}

/** Draw tiles over the copy that is there already; those that are still loading are left out. */
export function drawTiles(
  context: CanvasRenderingContext2D, tiles: { tile: Tile; picture: Picture | null }[], of: Size, frame: Size, placed: Place,
): void {
  context.imageSmoothingEnabled = !isExact((placed.scale * frame.width) / of.width);
  context.imageSmoothingQuality = "high";
  for (const { tile, picture } of tiles) {
    if (picture === null) continue;
    const { x, y, width, height } = tilePlace(tile, of, frame, placed);
    context.drawImage(picture.image, x, y, width, height);
  }
}

function toDrawable(data: Uint8ClampedArray<ArrayBuffer>, size: Size): Drawable {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  canvas.getContext("2d")?.putImageData(new ImageData(data, size.width, size.height), 0, 0);
  return { image: canvas, width: size.width, height: size.height };
}

/** The last result of a function, for as long as it is asked for the same. */
function remember<A extends unknown[]>(make: (...of: A) => Drawable): (...of: A) => Drawable {
  let last: { of: A; made: Drawable } | null = null;
  return (...of) => {
    if (last === null || of.some((value, index) => value !== last?.of[index])) last = { of, made: make(...of) };
    return last.made;
  };
}

/** Pictures computed from others, each computed once while it is shown. */
export class Computed {
  readonly difference = remember(
    (left: Picture, right: Picture, width: number, height: number, gain: number, signed: boolean) => {
      const frame = { width, height };
      return toDrawable(difference(left.pixels(), right.pixels(), frame, { gain, signed }), frame);
    },
  );
  readonly overlay = remember((map: Picture) => toDrawable(colourise(map.pixels().data), map));
}
