/** The pictures that a report holds: `src` "@3" is the text of the element `source-3`. */

import type { ViewRun } from "./model.ts";

/** The bytes of a text of 7 bits a character, first bit first (Python: `report.packing.as_text`). */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 7) / 8));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    held = (held << 7) | (text.charCodeAt(i) & 127);
    bits += 7;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return bytes;
}

/** The runs with an address of its own for every picture that is held; `find` returns its text. */
export function withHeldPictures(
  runs: ViewRun[],
  find: (id: string) => string,
  address: (bytes: Uint8Array<ArrayBuffer>) => string,
): ViewRun[] {
  const known = new Map<string, string>();
  const resolve = <T extends { src: string }>(picture: T): T => {
    if (!picture.src.startsWith("@")) return picture;
    const src = known.get(picture.src) ?? address(bytesOf(find(`source-${picture.src.slice(1)}`)));
    known.set(picture.src, src);
    return { ...picture, src };
  };
  return runs.map((run) => {
    const { observed, estimate, truth } = run.layers;
    return {
      ...run,
      layers: {
        ...(observed && { observed: resolve(observed) }),
        ...(estimate && { estimate: resolve(estimate) }),
        ...(truth && { truth: resolve(truth) }),
      },
      overlays: run.overlays.map(resolve),
      snapshots: run.snapshots.map(resolve),
    };
  });
}
