/** A perceptual colour map: even steps of lightness from dark blue over violet and orange to light yellow. */

export type Rgb = [red: number, green: number, blue: number];

/** Lightness, chroma and hue (degrees) in OKLCH, evenly spaced from low to high. */
const ANCHORS: readonly (readonly [lightness: number, chroma: number, hue: number])[] = [
  [0.2, 0.08, 275],
  [0.35, 0.13, 300],
  [0.5, 0.15, 350],
  [0.65, 0.15, 30],
  [0.8, 0.13, 70],
  [0.95, 0.08, 105],
];

/** A colour of OKLab (Ottosson, 2020) as linear red, green and blue. */
function linear(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

const encode = (value: number): number => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

/** The colour of a value between 0 (low) and 1 (high), each channel 0–255. */
export function colour(value: number): Rgb {
  const position = Math.min(Math.max(value, 0), 1) * (ANCHORS.length - 1);
  const index = Math.min(Math.floor(position), ANCHORS.length - 2);
  const part = position - index;
  // Between anchors in a, b rather than hue and chroma: no turn the long way round the hues.
  const [low, high] = [ANCHORS[index], ANCHORS[index + 1]].map((anchor) => {
    const [lightness, chroma, hue] = anchor ?? [0, 0, 0];
    const angle = (hue * Math.PI) / 180;
    return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)] as const;
  });
  const mix = (channel: 0 | 1 | 2): number => (1 - part) * (low?.[channel] ?? 0) + part * (high?.[channel] ?? 0);
  const rgb = linear(mix(0), mix(1), mix(2));
  return rgb.map((channel) => Math.round(255 * encode(Math.min(Math.max(channel, 0), 1)))) as Rgb;
}

/** The 256 colours of an 8-bit map, red, green, blue after each other. */
export function table(): Uint8ClampedArray {
  return Uint8ClampedArray.from(Array.from({ length: 256 }, (_, index) => colour(index / 255)).flat());
}

/** A gray picture (its red channel) in the map's colours; of one that only marks, the marks, as opaque as they are white. */
export function colourise(gray: Uint8ClampedArray, marks = false): Uint8ClampedArray<ArrayBuffer> {
  const colours = table();
  const out = new Uint8ClampedArray(gray.length);
  for (let at = 0; at < gray.length; at += 4) {
    const from = 3 * (marks ? 255 : (gray[at] ?? 0));
    out[at] = colours[from] ?? 0;
    out[at + 1] = colours[from + 1] ?? 0;
    out[at + 2] = colours[from + 2] ?? 0;
    out[at + 3] = (marks ? gray[at] : gray[at + 3]) ?? 255;
  }
  return out;
}
