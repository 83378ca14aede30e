import assert from "node:assert/strict";
import { test } from "node:test";

import { bytesOf, withHeldPictures } from "../src/held.ts";
import type { ViewRun } from "../src/model.ts";

test("seven bits a character are bytes again, those that were moved up among them", () => {
  // 0x00 0x1A 0x3C ff: what `as_text` makes of it has a moved NUL, CR or "<" where the value is one
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of [...bytes, 0]) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 7) {
      bits -= 7;
      const value = (held >> bits) & 127;
      text += String.fromCharCode([0, 13, 60].includes(value) ? value + 256 : value);
      held &= (1 << bits) - 1;
    }
  }
  text = text.slice(0, Math.ceil((64 * 8) / 7));
  assert.deepEqual(bytesOf(text), bytes);
  assert.match(text, /[\u0100\u010d\u013c]/);
});

test("what is held once is made once, other addresses stay", () => {
  const run = {
    layers: { estimate: { label: "estimate", src: "@0", width: 1, height: 1 } },
    overlays: [],
    snapshots: [
      { step: 1, src: "data:,x", width: 1, height: 1 },
      { step: 2, src: "@0", width: 1, height: 1 },
    ],
  } as unknown as ViewRun;
  const made: number[] = [];
  const [shown] = withHeldPictures([run], (id) => (id === "source-0" ? "AB" : ""), (bytes) => {
    made.push(bytes.length);
    return `blob:${made.length}`;
  });
  assert.deepEqual(made, [1]);
  assert.equal(shown?.layers.estimate?.src, "blob:1");
  assert.equal(shown?.layers.truth, undefined);
  assert.deepEqual(shown?.snapshots.map((snapshot) => snapshot.src), ["data:,x", "blob:1"]);
});
