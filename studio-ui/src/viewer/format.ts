/** Numbers and words as text. */

import type { Stop } from "../model.ts";
import { unitWords as units, viewerWords as words } from "../words.ts";

/** The text with a capital at its head; letters of the field such as σ stay what they are. */
export function capital(text: string): string {
  return text.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

/** A number with so many significant digits, without needless zeros; powers of ten only where they save space. */
export function significant(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return units.none;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(digits - 1).replace("e+", "e");
  // Whole digits are never rounded away: 12345 stays 12345.
  return String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1)))))).replace("-", "−");
}

/** "28.31 dB". */
export function decibels(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? units.none : units.decibels(value.toFixed(2)).replace("-", "−");
}

/** The values of a pixel, one number where the picture is gray; in fixed width, so that nothing jumps. */
export function pixelValue(rgb: readonly number[], gray: boolean): string {
  return (gray ? rgb.slice(0, 1) : rgb.slice(0, 3)).map((value) => String(value).padStart(3, "\u2007")).join(" ");
}

/** What was kept of a fit, in words. */
export function keptText(stop: Stop): string {
  if (stop.taken) return words.keptTaken(stop.kept_step);
  return words.keptOf(stop.kept, stop.kept_step, stop.refined);
}
