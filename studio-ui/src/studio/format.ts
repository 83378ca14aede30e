/** Numbers as people read them. */

export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** "20 to 60 s", "3 to 8 min": two digits are all that is known. */
export function formatBetween(least: number, most: number): string {
  for (const [unit, name] of [[3600, "h"], [60, "min"]] as const) {
    if (most < 2 * unit) continue;
    const digits = most < 10 * unit ? 1 : 0;
    return `${(least / unit).toFixed(digits)} to ${(most / unit).toFixed(digits)} ${name}`;
  }
  return `${Math.max(1, Math.round(least))} to ${Math.max(2, Math.round(most))} s`;
}

/** Bytes in binary units, three digits at most. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export function formatRate(stepsPerSecond: number | null | undefined): string {
  if (stepsPerSecond == null || !(stepsPerSecond > 0)) return "–";
  return `${stepsPerSecond < 10 ? stepsPerSecond.toFixed(1) : Math.round(stepsPerSecond)} steps/s`;
}

export function formatDecibel(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? "–" : `${value.toFixed(2)} dB`;
}

export function formatSize(width: number, height: number): string {
  return `${width} × ${height}`;
}

/** "uint16" as "16 bit". */
export function depthOf(type: string): string {
  const bits = /\d+/.exec(type)?.[0];
  return bits === undefined ? type : `${bits} bit${type.startsWith("float") ? " float" : ""}`;
}

/** ".tif" as "TIFF". */
export function formatOf(suffix: string): string {
  const name = suffix.replace(/^\./, "").toUpperCase();
  return { JPG: "JPEG", TIF: "TIFF" }[name] ?? name;
}

/** "3 pictures", "1 picture". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** "max_steps" as a label: "Max steps". */
export function label(name: string): string {
  const words = name.replaceAll(/[_.]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
