/** Numbers as people read them. */

import { unitWords as units } from "../words.ts";

export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds) || seconds < 0) return units.none;
  if (seconds < 1) return units.underASecond;
  const whole = Math.round(seconds);
  if (whole < 60) return units.seconds(whole);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return units.minutes(minutes, String(whole % 60).padStart(2, "0"));
  const hours = Math.floor(minutes / 60);
  return units.hours(hours, String(minutes % 60).padStart(2, "0"));
}

/** "20 to 60 s", "3 to 8 min": two digits are all that is known. */
export function formatBetween(least: number, most: number): string {
  for (const [unit, name] of [[3600, units.h], [60, units.min]] as const) {
    if (most < 2 * unit) continue;
    const digits = most < 10 * unit ? 1 : 0;
    return units.between((least / unit).toFixed(digits), (most / unit).toFixed(digits), name);
  }
  return units.between(String(Math.max(1, Math.round(least))), String(Math.max(2, Math.round(most))), units.s);
}

/** Bytes in binary units, three digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.bytes.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units.bytes[unit]}`;
}

export function formatRate(stepsPerSecond: number | null | undefined): string {
  if (stepsPerSecond == null || !(stepsPerSecond > 0)) return units.none;
  return units.rate(stepsPerSecond < 10 ? stepsPerSecond.toFixed(1) : String(Math.round(stepsPerSecond)));
}

export function formatDecibel(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? units.none : units.decibels(value.toFixed(2));
}

export function formatSize(width: number, height: number): string {
  return units.size(width, height);
}

/** "uint16" as "16 bit". */
export function depthOf(type: string): string {
  const bits = /\d+/.exec(type)?.[0];
  return bits === undefined ? type : units.bits(bits, type.startsWith("float"));
}

/** ".tif" as "TIFF". */
export function formatOf(suffix: string): string {
  const name = suffix.replace(/^\./, "").toUpperCase();
  return { JPG: "JPEG", TIF: "TIFF" }[name] ?? name;
}

/** "max_steps" as a label: "Max steps". */
export function label(name: string): string {
  const words = name.replaceAll(/[_.]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
