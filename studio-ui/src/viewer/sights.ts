/** What is drawn of a layer: all of it, or of a large one a copy of the size of a screen, with tiles where that is too coarse. */

import { cut, type Piece, type Pixels } from "./difference.ts";
import type { PaneSize, Place, Size } from "./geometry.ts";
import type { Picture, Pictures } from "./pictures.ts";
import type { LayerFile } from "./sources.ts";
import { isEnough, numbersAddress, tileAddress, tilesSeen, tilesUnder, type Tile } from "./tiles.ts";

/** What a side shows: a picture, and over it the tiles of a large one. */
export interface Sight {
  picture: Picture;
  of: LayerFile;
  /** The picture is a smaller copy, and no tiles are over it. */
  isCopy: boolean;
  tiles: { tile: Tile; picture: Picture | null }[];
}

/** What of the frame is seen where. */
export interface Seen {
  base: Size;
  placed: Place;
  pane: PaneSize;
}

/** A layer as it is looked at; null while it loads. */
export function sightOf(pictures: Pictures, layer: LayerFile, { base, placed, pane }: Seen): Sight | null {
  const picture = pictures.get(layer.preview ?? layer.src, layer.profile);
  if (picture === null) return null;
  if (layer.preview === null) return { picture, of: layer, isCopy: false, tiles: [] };
  if (isEnough(picture.width, base, placed)) return { picture, of: layer, isCopy: true, tiles: [] };
  const tiles = tilesSeen(layer, base, placed, pane).map((tile) => load(pictures, layer, tile));
  return { picture, of: layer, isCopy: false, tiles };
}

/**
 * Two layers to be subtracted. A copy of one that is large is without loss: means of the stored numbers, so that the
 * difference of two copies is the mean of the difference; where it is too coarse the stored numbers come in tiles.
 */
export function sightsToCompare<Sides extends (LayerFile | null)[]>(pictures: Pictures, layers: Sides, seen: Seen): (Sight | null)[] {
  const copies = layers.map((layer) => (layer === null ? null : pictures.get(numbersOf(layer), layer.preview === null && layer.profile)));
  // Both in tiles, or none: a copy's means are not subtracted from numbers.
  const coarse = layers.some((layer, side) => layer !== null && layer.preview !== null && !isEnough(copies[side]?.width ?? Infinity, seen.base, seen.placed));
  const regions = coarse ? regionsSeen(seen) : [];
  return layers.map((layer, side) => {
    const picture = copies[side] ?? null;
    if (layer === null || picture === null) return null;
    if (layer.preview === null) return { picture, of: layer, isCopy: false, tiles: [] };
    const wanted = new Map(regions.flatMap((region) => tilesUnder(layer, seen.base, region)).map((tile) => [`${tile.x},${tile.y}`, tile]));
    const tiles = [...wanted.values()].map((tile) => load(pictures, layer, tile));
    return { picture, of: layer, isCopy: !coarse, tiles };
  });
}

/** The picture that all of a layer is compared by: itself, or of a large one a copy. */
export function numbersOf(layer: LayerFile): string {
  return layer.preview === null ? layer.src : numbersAddress(layer.preview);
}

/** The parts of the frame that are seen, in which differences of tiles are computed. */
export function regionsSeen({ base, placed, pane }: Seen): Tile[] {
  return tilesSeen(base, base, placed, pane);
}

/** The stored numbers of a sight's layer over a part of the frame; null while a tile of it is missing. */
export function numbersOver(sight: Sight, base: Size, region: Tile): Pixels | null {
  const { of, picture } = sight;
  const whole: Sight["tiles"] = [{ tile: { x: 0, y: 0, width: of.width, height: of.height }, picture }];
  const under = new Set(tilesUnder(of, base, region).map(({ x, y }) => `${x},${y}`));
  const pieces: Piece[] = [];
  for (const { tile, picture: part } of of.preview === null ? whole : sight.tiles) {
    if (of.preview !== null && !under.has(`${tile.x},${tile.y}`)) continue;
    if (part === null) return null;
    pieces.push({ x: tile.x, y: tile.y, pixels: part.pixels() });
  }
  return cut(pieces, of, base, region);
}

function load(pictures: Pictures, layer: LayerFile, tile: Tile): Sight["tiles"][number] {
  return { tile, picture: pictures.get(tileAddress(layer.src, tile), layer.profile) };
}
