/** Decoded pictures: loaded once, kept while there is room, with their pixels for read-out and difference. */

import type { Size } from "./geometry.ts";
import { viewerWords as words } from "../words.ts";

/** A decoded picture. */
export class Picture implements Size {
  readonly src: string;
  readonly image: ImageBitmap;
  readonly width: number;
  readonly height: number;
  private data: ImageData | null = null;
  private isGray: boolean | null = null;
  private readonly numbers: ImageBitmap;

  /** `image` is what is shown, in the screen's colours; `numbers` what is stored, where that is another. */
  constructor(src: string, image: ImageBitmap, numbers: ImageBitmap = image) {
    this.src = src;
    this.image = image;
    this.numbers = numbers;
    this.width = image.width;
    this.height = image.height;
  }

  /** The pixels as they were stored: 8 bits, red, green, blue, alpha. */
  pixels(): ImageData {
    if (this.data === null) {
      const canvas = document.createElement("canvas");
      canvas.width = this.width;
      canvas.height = this.height;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      if (context === null) throw new Error(words.noCanvas);
      context.drawImage(this.numbers, 0, 0);
      this.data = context.getImageData(0, 0, this.width, this.height);
    }
    return this.data;
  }

  /** The red, green and blue of a pixel. */
  at(x: number, y: number): number[] {
    const from = 4 * (y * this.width + x);
    return [...this.pixels().data.subarray(from, from + 3)];
  }

  /** Whether all of it is gray: one number a pixel says it all. */
  gray(): boolean {
    if (this.isGray === null) {
      const { data } = this.pixels();
      this.isGray = true;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) {
          this.isGray = false;
          break;
        }
      }
    }
    return this.isGray;
  }

  close(): void {
    this.data = null;
    this.image.close();
    this.numbers.close();
  }
}

type Entry = { picture: Picture | null; failed: boolean };

/** How many pixels are kept decoded; at four to eight bytes each. */
const ROOM = 48e6;

/** The pictures of one viewer by address; `changed` is called whenever one has arrived. */
export class Pictures {
  /** What is on the screen: never dropped. */
  inUse = new Set<string>();
  private readonly entries = new Map<string, Entry>();
  private readonly changed: () => void;
  private closed = false;

  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** The decoded picture if it is there; nothing is loaded. */
  peek(src: string): Picture | null {
    return this.entries.get(src)?.picture ?? null;
  }

  /** The decoded picture, or null while it loads; `profile` = its file says what its colours are. */
  get(src: string, profile = false): Picture | null {
    const known = this.entries.get(src);
    if (known !== undefined) {
      // Youngest last, so that the oldest is dropped first.
      this.entries.delete(src);
      this.entries.set(src, known);
      return known.picture;
    }
    const entry: Entry = { picture: null, failed: false };
    this.entries.set(src, entry);
    void this.load(src, entry, profile);
    return null;
  }

  failed(src: string): boolean {
    return this.entries.get(src)?.failed ?? false;
  }

  destroy(): void {
    this.closed = true;
    for (const entry of this.entries.values()) entry.picture?.close();
    this.entries.clear();
  }

  private async load(src: string, entry: Entry, profile: boolean): Promise<void> {
    try {
      const image = new Image();
      image.src = src;
      await image.decode();
      // The numbers in the file are the numbers that are read out: no colour conversion, no premultiplied rounding.
      const numbers = await createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      // With a profile they mean other colours, which are shown: as in every viewer.
      const colours = profile ? await createImageBitmap(image, { colorSpaceConversion: "default" }) : numbers;
      const picture = new Picture(src, colours, numbers);
      if (this.closed) {
        picture.close();
        return;
      }
      entry.picture = picture;
      this.makeRoom(src);
    } catch {
      entry.failed = true;
    }
    if (!this.closed) this.changed();
  }

  private makeRoom(newest: string): void {
    let used = 0;
    for (const [src, entry] of [...this.entries].reverse()) {
      if (entry.picture === null) continue;
      used += entry.picture.width * entry.picture.height;
      if (used > ROOM && src !== newest && !this.inUse.has(src)) {
        entry.picture.close();
        this.entries.delete(src);
      }
    }
  }
}
