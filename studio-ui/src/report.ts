/** The report's page: reads the view that is written into the file and shows it. */

import type { Layer, View, ViewRun } from "./model.ts";
import { h } from "./dom.ts";
import { withHeldPictures } from "./held.ts";
import { capital } from "./viewer/format.ts";
import { mountViewer } from "./viewer/viewer.ts";
import { reportWords as words } from "./words.ts";

const THEMES = [
  { value: "", label: words.themes.system },
  { value: "light", label: words.themes.light },
  { value: "dark", label: words.themes.dark },
];

const textOf = (id: string): string => document.getElementById(id)?.textContent ?? "";

function readView(): View {
  const view = JSON.parse(textOf("view")) as Partial<View>;
  if (!Array.isArray(view.runs) || view.runs.length === 0) throw new Error(words.noRuns);
  // The type is left open: a browser tells WebP from PNG by the first bytes.
  const address = (bytes: Uint8Array<ArrayBuffer>): string => URL.createObjectURL(new Blob([bytes]));
  return { runs: withHeldPictures(view.runs, textOf, address) };
}

function theme(): HTMLElement {
  const select = h("select", {}, ...THEMES.map(({ value, label }) => h("option", { value }, label)));
  select.addEventListener("change", () => {
    if (select.value === "") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = select.value;
  });
  return h("label", {}, words.theme, select);
}

/** A run on paper: its pictures side by side, and its account. */
function sheet(run: ViewRun): HTMLElement {
  const { observed, estimate, truth } = run.layers;
  const pictures = [observed, estimate, truth].filter((layer): layer is Layer => layer !== undefined);
  const stop = run.stop === null ? [] : [words.stopped(run.stop.step, run.stop.advice, run.stop.kept, run.stop.kept_step)];
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, run.title),
    h("p", {}, [words.method(run.task, run.recipe), ...stop].join(" ")),
    h(
      "div",
      { class: "sheet-pictures" },
      ...pictures.map((layer) =>
        h("figure", {}, h("img", { src: layer.src, alt: layer.label }), h("figcaption", {}, words.caption(capital(layer.label), layer.width, layer.height))),
      ),
    ),
    h("dl", { class: "facts" }, ...run.facts.flatMap(({ label, value }) => [h("dt", {}, capital(label)), h("dd", {}, value)])),
    ...run.notes.map((note) => h("p", {}, note)),
    h("pre", {}, run.command),
  );
}

function show(page: HTMLElement): void {
  const { runs } = readView();
  const [first] = runs;
  const title = runs.length === 1 && first !== undefined ? first.title : words.runs(runs.length);
  document.title = words.windowTitle(title);
  page.append(
    h(
      "header",
      { class: "page-head" },
      h("h1", {}, title),
      h("p", {}, words.lead),
    ),
  );
  mountViewer(page, { keys: "page" }).show(runs);
  page.append(
    ...runs.map(sheet),
    h(
      "footer",
      { class: "page-foot" },
      h("p", {}, words.foot),
      theme(),
    ),
  );
}

const page = h("main", { class: "page" });
document.body.append(page);
try {
  show(page);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  page.append(h("p", { class: "failure", role: "alert" }, words.notShown(reason)));
}
