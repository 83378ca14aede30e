/** Where the picture lies in a pane. All lengths on the screen are device pixels, so 1:1 is exact on every display. */

import { unitWords as units, viewerWords as words } from "../words.ts";

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Where pictures are shown. */
export type PaneSize = Size;

/** Whether pixels are shown as squares of one size. */
export function isExact(scale: number): boolean {
  return scale >= 1 && Math.abs(scale - Math.round(scale)) < 1e-6;
}

/** What is looked at, whatever the pane's size: a scale and the point of the picture in the pane's middle. */
export interface View {
  scale: number | "fit";
  centre: Point;
}

/** `scale` screen pixels a picture pixel, and where the picture's top left corner lies in the pane. */
export interface Place extends Point {
  scale: number;
}

export const MAX_SCALE = 16;
/** The scales that buttons, wheel and keys step through. */
export const LADDER: readonly number[] = [1 / 16, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 2, 3, 4, 6, 8, 12, MAX_SCALE];

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** The largest scale at which all is seen: the pane is filled, smoothly; the ladder's whole numbers are for exact pixels. */
export function fitScale(picture: Size, pane: PaneSize): number {
  const scale = Math.min(pane.width / picture.width, pane.height / picture.height);
  if (!(scale > 0) || !Number.isFinite(scale)) return 1;
  return Math.min(scale, MAX_SCALE);
}

/** The view's scale in this pane. */
export function scaleOf(view: View, picture: Size, pane: PaneSize): number {
  return view.scale === "fit" ? fitScale(picture, pane) : view.scale;
}

/** Where the view puts the picture: centred where there is room, and never past its own edge. */
export function place(view: View, picture: Size, pane: PaneSize): Place {
  const scale = scaleOf(view, picture, pane);
  const along = (middle: number, length: number, room: number): number => {
    const free = room - length * scale;
    const start = free >= 0 ? free / 2 : clamp(room / 2 - middle * scale, free, 0);
    return Math.round(start);
  };
  return {
    scale,
    x: along(view.centre.x, picture.width, pane.width),
    y: along(view.centre.y, picture.height, pane.height),
  };
}

/** A bar of a round length in mm, about a fifth of the pane wide, in pixels of the pane. */
export function scaleBar(placed: Place, millimetres: number, pane: Size): { millimetres: number; width: number } {
  const each = placed.scale / millimetres; // pixels of the pane a mm
  const room = pane.width / 5 / each;
  const power = 10 ** Math.floor(Math.log10(room));
  const round = ([5, 2, 1].find((digit) => digit * power <= room) ?? 1) * power;
  return { millimetres: round, width: round * each };
}

/** The point of the picture (in its pixels, with fraction) under a point of the pane. */
export function toPicture(at: Point, placed: Place): Point {
  return { x: (at.x - placed.x) / placed.scale, y: (at.y - placed.y) / placed.scale };
}

/** The pixel under a point of the pane, or null beside the picture. */
export function pixelAt(at: Point, placed: Place, picture: Size): Point | null {
  const { x, y } = toPicture(at, placed);
  const pixel = { x: Math.floor(x), y: Math.floor(y) };
  const inside = pixel.x >= 0 && pixel.y >= 0 && pixel.x < picture.width && pixel.y < picture.height;
  return inside ? pixel : null;
}

/** The same pixel in a layer of another size (nearest, as it is drawn). */
export function pixelIn(layer: Size, pixel: Point, picture: Size): Point {
  return {
    x: Math.min(Math.floor(((pixel.x + 0.5) * layer.width) / picture.width), layer.width - 1),
    y: Math.min(Math.floor(((pixel.y + 0.5) * layer.height) / picture.height), layer.height - 1),
  };
}

/** Zoom to `scale` such that the point of the picture under `at` stays under it. */
export function zoomAt(view: View, scale: number, at: Point, picture: Size, pane: PaneSize): View {
  const fit = fitScale(picture, pane);
  const wanted = clamp(scale, Math.min(fit, LADDER[0] ?? fit, 1), MAX_SCALE);
  const under = toPicture(at, place(view, picture, pane));
  const centre = {
    x: under.x + (pane.width / 2 - at.x) / wanted,
    y: under.y + (pane.height / 2 - at.y) / wanted,
  };
  return settle({ scale: wanted, centre }, picture, pane);
}

/** Move the picture by so many screen pixels. */
export function pan(view: View, by: Point, picture: Size, pane: PaneSize): View {
  const scale = scaleOf(view, picture, pane);
  const centre = { x: view.centre.x - by.x / scale, y: view.centre.y - by.y / scale };
  return settle({ ...view, centre }, picture, pane);
}

/** The view with its centre where the picture really lies, so that a pan past the edge leaves no slack to undo. */
export function settle(view: View, picture: Size, pane: PaneSize): View {
  const placed = place(view, picture, pane);
  const middle = toPicture({ x: pane.width / 2, y: pane.height / 2 }, placed);
  const keep = (wanted: number, length: number, room: number, seen: number): number =>
    length * placed.scale <= room ? length / 2 : Math.abs(wanted - seen) * placed.scale < 1 ? wanted : seen;
  return {
    scale: view.scale,
    centre: {
      x: keep(view.centre.x, picture.width, pane.width, middle.x),
      y: keep(view.centre.y, picture.height, pane.height, middle.y),
    },
  };
}

/** The next scale of the ladder (and of fit, which is a rung of its own) in a direction; itself at the end. */
export function nextScale(scale: number, direction: 1 | -1, fit: number): number {
  const low = Math.min(fit, 1);
  const rungs = [...new Set([...LADDER.filter((rung) => rung > low), low, fit])].sort((a, b) => a - b);
  const near = 1e-6 * scale;
  const next =
    direction > 0 ? rungs.find((rung) => rung > scale + near) : rungs.findLast((rung) => rung < scale - near);
  return next ?? scale;
}

/** One rung up or down; back at fit the view follows the pane's size again. */
export function zoomStep(view: View, direction: 1 | -1, at: Point, picture: Size, pane: PaneSize): View {
  const fit = fitScale(picture, pane);
  const next = nextScale(scaleOf(view, picture, pane), direction, fit);
  const zoomed = zoomAt(view, next, at, picture, pane);
  return Math.abs(next - fit) < 1e-6 ? { ...zoomed, scale: "fit" } : zoomed;
}

/** Whether there is anything to move: a part of the picture lies outside of the pane. */
export function canPan(placed: Place, picture: Size, pane: PaneSize): boolean {
  return picture.width * placed.scale > pane.width + 0.5 || picture.height * placed.scale > pane.height + 0.5;
}

/** The part of the pane that the picture covers. */
export function visible(placed: Place, picture: Size, pane: PaneSize): Point & Size {
  const left = clamp(placed.x, 0, pane.width);
  const top = clamp(placed.y, 0, pane.height);
  return {
    x: left,
    y: top,
    width: clamp(placed.x + picture.width * placed.scale, 0, pane.width) - left,
    height: clamp(placed.y + picture.height * placed.scale, 0, pane.height) - top,
  };
}

/** "1:1", "4:1", "43 %". */
export function zoomLabel(scale: number): string {
  const whole = Math.round(scale);
  if (whole >= 1 && Math.abs(scale - whole) < 1e-3) return words.scale(whole);
  return scale < 0.1 ? units.percent((100 * scale).toFixed(1)) : units.percent(Math.round(100 * scale));
}
