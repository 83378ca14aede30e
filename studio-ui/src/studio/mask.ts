/** Which pixels of a picture are to be filled, with undo. Knows no canvas. */

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Change {
  rect: Rect;
  before: Uint8Array;
  after: Uint8Array;
}

/** Undo keeps so many bytes of changes, and at least the last one. */
const HISTORY_BYTES = 64 * 2 ** 20;

export class Mask {
  /** One byte a pixel, row by row: 1 = to fill, 0 = known. */
  readonly pixels: Uint8Array;
  private before: Uint8Array | null = null;
  private touched: Rect | null = null;
  private undoable: Change[] = [];
  private redoable: Change[] = [];

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint8Array(width * height);
  }

  get canUndo(): boolean {
    return this.undoable.length > 0;
  }

  get canRedo(): boolean {
    return this.redoable.length > 0;
  }

  /** How many pixels are to be filled. */
  count(): number {
    let sum = 0;
    for (const pixel of this.pixels) sum += pixel;
    return sum;
  }

  /** Paint a line with a round brush: every pixel whose middle is within `radius` of it. Returns what may have changed. */
  line(x0: number, y0: number, x1: number, y1: number, radius: number, value: 0 | 1): Rect {
    this.before ??= this.pixels.slice();
    const rect = this.clip(Math.min(x0, x1) - radius, Math.min(y0, y1) - radius, Math.max(x0, x1) + radius, Math.max(y0, y1) + radius);
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length2 = dx * dx + dy * dy;
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = length2 > 0 ? Math.max(0, Math.min(1, (px * dx + py * dy) / length2)) : 0;
        const [rx, ry] = [px - along * dx, py - along * dy];
        // A thin brush between pixel middles still paints the pixel that it is in.
        const inside = rx * rx + ry * ry <= radius * radius || (length2 === 0 && Math.floor(x0) === x && Math.floor(y0) === y);
        if (inside) this.pixels[y * this.width + x] = value;
      }
    }
    this.touched = union(this.touched, rect);
    return rect;
  }

  /** End a stroke: what it changed becomes one step of undo. */
  commit(): void {
    const [before, rect] = [this.before, this.touched];
    this.before = this.touched = null;
    if (!before || !rect || rect.width * rect.height === 0) return;
    const change = { rect, before: cut(before, this.width, rect), after: cut(this.pixels, this.width, rect) };
    if (change.before.every((value, index) => value === change.after[index])) return;
    this.redoable = [];
    this.undoable.push(change);
    let bytes = this.undoable.reduce((sum, c) => sum + 2 * c.before.length, 0);
    while (bytes > HISTORY_BYTES && this.undoable.length > 1) bytes -= 2 * this.undoable.shift()!.before.length;
  }

  /** Replace all pixels (1 = to fill); one step of undo. */
  replace(pixels: ArrayLike<number>): void {
    if (pixels.length !== this.pixels.length) throw new Error(`got ${pixels.length} pixels, wanted ${this.pixels.length}`);
    this.before ??= this.pixels.slice();
    for (let i = 0; i < pixels.length; i++) this.pixels[i] = pixels[i] ? 1 : 0;
    this.touched = { x: 0, y: 0, width: this.width, height: this.height };
    this.commit();
  }

  /** The lengths of the runs of equal pixels, row by row, the first of known ones: small enough to be kept. */
  runs(): number[] {
    const lengths: number[] = [];
    let value = 0;
    let from = 0;
    for (let i = 0; i <= this.pixels.length; i++) {
      if (i < this.pixels.length && this.pixels[i] === value) continue;
      lengths.push(i - from);
      [from, value] = [i, 1 - value];
    }
    return lengths;
  }

  /** Paint what `runs` has told; false where it is of another size. */
  paintRuns(lengths: readonly number[]): boolean {
    if (lengths.reduce((sum, length) => sum + length, 0) !== this.pixels.length) return false;
    let at = 0;
    lengths.forEach((length, index) => this.pixels.fill(index % 2, at, (at += length)));
    return true;
  }

  clear(): void {
    this.replace(new Uint8Array(this.pixels.length));
  }

  invert(): void {
    this.replace(this.pixels.map((value) => 1 - value));
  }

  /** Take back the last stroke; returns what changed. */
  undo(): Rect | null {
    const change = this.undoable.pop();
    if (!change) return null;
    this.redoable.push(change);
    return this.put(change.rect, change.before);
  }

  redo(): Rect | null {
    const change = this.redoable.pop();
    if (!change) return null;
    this.undoable.push(change);
    return this.put(change.rect, change.after);
  }

  /** RGBA of the mask's file: white = known, black = to fill. */
  toFile(): Uint8ClampedArray<ArrayBuffer> {
    const rgba = new Uint8ClampedArray(4 * this.pixels.length).fill(255);
    for (let i = 0; i < this.pixels.length; i++) if (this.pixels[i]) rgba.fill(0, 4 * i, 4 * i + 3);
    return rgba;
  }

  /** Read the RGBA of a plain mask, as `toFile` gives it: known where brighter than half of its brightest. */
  loadFile(rgba: ArrayLike<number>): void {
    const bright = new Uint16Array(rgba.length / 4);
    for (let i = 0; i < bright.length; i++) bright[i] = rgba[4 * i]! + rgba[4 * i + 1]! + rgba[4 * i + 2]!;
    const half = bright.reduce((a, b) => Math.max(a, b), 0) / 2;
    this.replace(bright.map((value) => (value > half ? 0 : 1)));
  }

  private put(rect: Rect, values: Uint8Array): Rect {
    for (let row = 0; row < rect.height; row++) {
      this.pixels.set(values.subarray(row * rect.width, (row + 1) * rect.width), (rect.y + row) * this.width + rect.x);
    }
    return rect;
  }

  private clip(left: number, top: number, right: number, bottom: number): Rect {
    const x = Math.max(0, Math.floor(left));
    const y = Math.max(0, Math.floor(top));
    return {
      x,
      y,
      width: Math.max(0, Math.min(this.width, Math.ceil(right)) - x),
      height: Math.max(0, Math.min(this.height, Math.ceil(bottom)) - y),
    };
  }
}

function cut(pixels: Uint8Array, width: number, rect: Rect): Uint8Array {
  const part = new Uint8Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * width + rect.x;
    part.set(pixels.subarray(start, start + rect.width), row * rect.width);
  }
  return part;
}

function union(a: Rect | null, b: Rect): Rect {
  if (!a || a.width * a.height === 0) return b;
  if (b.width * b.height === 0) return a;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}
