/** Decoded pictures: loaded once, kept while there is room, with their pixels for read-out and difference. */

import type { Size } from "./geometry.ts";

/** A decoded picture. */
export class Picture implements Size {
  readonly image: ImageBitmap;
  readonly width: number;
  readonly height: number;
  private data: ImageData | null = null;

  constructor(image: ImageBitmap) {
    this.image = image;
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
      if (context === null) throw new Error("got no 2d canvas from this browser, wanted one");
      context.drawImage(this.image, 0, 0);
      this.data = context.getImageData(0, 0, this.width, this.height);
    }
    return this.data;
  }

  close(): void {
    this.data = null;
    this.image.close();
  }
}

type Entry = { picture: Picture | null; failed: boolean };

/** How many pixels are kept decoded; at four to eight bytes each. */
const ROOM = 48e6;

/** The pictures of one viewer by address; `changed` is called whenever one has arrived. */
export class Pictures {
  private readonly entries = new Map<string, Entry>();
  private readonly changed: () => void;
  private closed = false;

  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** The decoded picture, or null while it loads. */
  get(src: string): Picture | null {
    const known = this.entries.get(src);
    if (known !== undefined) {
      // Youngest last, so that the oldest is dropped first.
      this.entries.delete(src);
      this.entries.set(src, known);
      return known.picture;
    }
    this.entries.set(src, { picture: null, failed: false });
    void this.load(src);
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

  private async load(src: string): Promise<void> {
    const entry = this.entries.get(src);
    if (entry === undefined) return;
    try {
      const image = new Image();
      image.decoding = "async";
      image.src = src;
      await image.decode();
      // The numbers in the file are the numbers on the canvas: no colour conversion, no premultiplied rounding.
      const bitmap = await createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      if (this.closed) {
        bitmap.close();
        return;
      }
      entry.picture = new Picture(bitmap);
      this.makeRoom(src);
    } catch {
      entry.failed = true;
    }
    if (!this.closed) this.changed();
  }

  private makeRoom(newest: string): void {
    let used = 0;
    for (const [src, entry] of [...this.entries].reverse()) {
      used += entry.picture === null ? 0 : entry.picture.width * entry.picture.height;
      if (used > ROOM && src !== newest && entry.picture !== null) {
        entry.picture.close();
        this.entries.delete(src);
      }
    }
  }
}
