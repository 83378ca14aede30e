/** What can stand left and right, and which picture that is. */

import type { Layer, Snapshot, ViewRun } from "../model.ts";
import { capital } from "./format.ts";
import type { Size } from "./geometry.ts";
import { nearest } from "./history.ts";
import type { Source, State } from "./state.ts";
import { viewerWords as words } from "../words.ts";

export interface Shown extends Size {
  label: string;
  src: string;
  note: string | null;
  profile: boolean;
  /** A smaller copy of a large one. */
  preview: string | null;
}

/** The addresses of a layer, its size and whether its colours are said. */
export type LayerFile = Omit<Shown, "label" | "note">;

/** The coordinates that all is drawn in: the estimate's, or those of what there is. */
export function frame(run: ViewRun): Size {
  const { estimate, truth, observed } = run.layers;
  return estimate ?? truth ?? run.snapshots.at(-1) ?? observed ?? { width: 1, height: 1 };
}

/** Whether two runs have the same coordinates, so that zoom and place mean the same in both. */
export function sameFrame(one: ViewRun, other: ViewRun): boolean {
  const [first, second] = [frame(one), frame(other)];
  return first.width === second.width && first.height === second.height;
}

/** The snapshot that stands for a step: the nearest one. */
export function snapshotAt(run: ViewRun, step: number | null): Snapshot | null {
  if (step === null) return null;
  return run.snapshots[nearest(run.snapshots.map((snapshot) => snapshot.step), step)] ?? null;
}

/** What has to be said of a picture that is smaller than the frame. */
const enlarged = (of: Size, run: ViewRun): string | null =>
  of.width < frame(run).width ? words.enlarged(of.width, of.height) : null;

/** The files of a layer. */
export function fileOf({ src, width, height, profile, preview }: Layer | Snapshot): LayerFile {
  return { src, width, height, profile: profile ?? false, preview: preview ?? null };
}

function fromLayer(run: ViewRun, layer: Layer | undefined): Shown | null {
  if (layer === undefined) return null;
  return { label: capital(layer.label), note: layer.note ?? enlarged(layer, run), ...fileOf(layer) };
}

function fromSnapshot(run: ViewRun, snapshot: Snapshot): Shown {
  return { label: words.restoredAt(snapshot.step), note: enlarged(snapshot, run), ...fileOf(snapshot) };
}

/** What a source shows now, named by its run where another run's stands beside it; null where there is no such picture. */
export function named(source: Source, state: State, run: ViewRun): Shown | null {
  const layer = shown(source, state, run);
  const beside = [state.left, state.right].some((side) => side.startsWith("run:"));
  const own = source === "timeline" || source === "estimate";
  return layer !== null && beside && own ? { ...layer, label: words.layerOf(run.title, layer.label) } : layer;
}

/** What a source shows now, or null where the run has no such picture. */
export function shown(source: Source, state: State, run: ViewRun): Shown | null {
  if (source === "timeline") {
    const snapshot = snapshotAt(run, state.step);
    return snapshot === null ? shown("estimate", state, run) : fromSnapshot(run, snapshot);
  }
  if (source === "estimate") {
    const last = run.snapshots.at(-1);
    return fromLayer(run, run.layers.estimate) ?? (last === undefined ? null : fromSnapshot(run, last));
  }
  if (source === "observed" || source === "truth") return fromLayer(run, run.layers[source]);
  const other = state.runs.find((candidate) => `run:${candidate.id}` === source);
  const layer = fromLayer(run, other?.layers.estimate);
  return layer === null || other === undefined ? null : { ...layer, label: words.layerOf(other.title, layer.label) };
}

/** The sources a run has, with their names. */
export function choices(state: State, run: ViewRun): { value: Source; label: string }[] {
  const list: { value: Source; label: string }[] = [];
  if (run.layers.observed !== undefined) list.push({ value: "observed", label: capital(run.layers.observed.label) });
  if (run.snapshots.length > 0 || run.layers.estimate !== undefined) {
    const timeline = run.snapshots.length > 0;
    if (timeline) list.push({ value: "timeline", label: words.restoredTimeline });
    list.push({ value: "estimate", label: words.restored });
  }
  if (run.layers.truth !== undefined) list.push({ value: "truth", label: capital(run.layers.truth.label) });
  for (const other of state.runs) {
    if (other.id !== run.id && other.layers.estimate !== undefined) {
      list.push({ value: `run:${other.id}`, label: words.restoredOf(other.title) });
    }
  }
  return list;
}

/** The sources to show for a run: those asked for where it has them, else the nearest in meaning. */
export function settleSources(state: State, run: ViewRun): { left: Source; right: Source } {
  const has = new Set<Source>(choices(state, run).map((choice) => choice.value));
  const first = (...wanted: Source[]): Source => wanted.find((source) => has.has(source)) ?? "estimate";
  return {
    left: first(state.wanted.left, "observed", "estimate"),
    right: first(state.wanted.right, "timeline", "estimate", "truth", "observed"),
  };
}
