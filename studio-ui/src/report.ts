/** The report's page: reads the view and the pictures that are written into the file, shows them. */

import { withHeldPictures } from "./held.ts";
import type { View } from "./model.ts";
import { mountViewer } from "./viewer/viewer.ts";

const text = (id: string): string => document.getElementById(id)?.textContent ?? "";
const { runs } = JSON.parse(text("view") || '{"runs":[]}') as View;
// The type is left open: a browser tells WebP from PNG by the first bytes.
const held = withHeldPictures(runs, text, (bytes) => URL.createObjectURL(new Blob([bytes])));
mountViewer(document.body, { keys: "page" }).show(held);
