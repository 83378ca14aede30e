/** Drawing: a picture in its place, and the pictures that are computed from others. */

import { colourise } from "./colormap.ts";
import { difference, type DifferenceSettings, type Pixels } from "./difference.ts";
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

/** A picture, or the tiles of it that are seen; `picture` stands where one is still loading. */
export interface Tiled {
  picture: Drawable;
  of: Size;
  tiles: { tile: Tile; picture: Drawable | null }[];
}

/** Draw a picture or its tiles: every place once, so that what can be seen through is not doubled. */
export function drawTiled(context: CanvasRenderingContext2D, { picture, of, tiles }: Tiled, frame: Size, placed: Place): void {
  if (tiles.length === 0) draw(context, picture, frame, placed);
  for (const { tile, picture: part } of tiles) {
    const { x, y, width, height } = tilePlace(tile, of, frame, placed);
    if (part === null) {
      context.save();
      context.beginPath();
      context.rect(x, y, width, height);
      context.clip();
      draw(context, picture, frame, placed);
      context.restore();
      continue;
    }
    context.imageSmoothingEnabled = !isExact((placed.scale * frame.width) / of.width);
    context.imageSmoothingQuality = "high";
    context.drawImage(part.image, x, y, width, height);
  }
}

function toDrawable(data: Uint8ClampedArray<ArrayBuffer>, size: Size): Drawable {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  canvas.getContext("2d")?.putImageData(new ImageData(data, size.width, size.height), 0, 0);
  return { image: canvas, width: size.width, height: size.height };
}

/** Pictures computed from others, each computed once while it is shown. */
export class Computed {
  private readonly overlays = new WeakMap<Picture, Drawable>();
  private differences = new Map<string, Drawable>();
  private before = new Map<string, Drawable>();

  /** Begin to draw: what is not asked for until this is called again is forgotten. */
  begin(): void {
    this.before = this.differences;
    this.differences = new Map();
  }

  /** The difference of two pictures of these addresses over `size`; their pixels are only asked for where it is not known. */
  difference(of: string[], size: Size, settings: DifferenceSettings, pixels: () => [Pixels, Pixels] | null): Drawable | null {
    const key = JSON.stringify([of, size, settings.gain, settings.signed]);
    let made = this.differences.get(key) ?? this.before.get(key) ?? null;
    if (made === null) {
      const sides = pixels();
      if (sides !== null) made = toDrawable(difference(...sides, size, settings), size);
    }
    if (made !== null) this.differences.set(key, made);
    return made;
  }

  /** A map in colours. */
  overlay(map: Picture, marks: boolean): Drawable {
    const known = this.overlays.get(map);
    if (known !== undefined) return known;
    const made = toDrawable(colourise(map.pixels().data, marks), map);
    this.overlays.set(map, made);
    return made;
  }
}
