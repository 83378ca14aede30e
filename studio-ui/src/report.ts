/** The report's page: reads the view that is written into the file and shows it. */

import type { View } from "./model.ts";
import { mountViewer } from "./viewer/viewer.ts";

const view = JSON.parse(document.getElementById("view")?.textContent ?? '{"runs":[]}') as View;
mountViewer(document.body, { keys: "page" }).show(view.runs);
