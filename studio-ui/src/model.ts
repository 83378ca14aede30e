/** What the viewer shows: the same names as in `untrained.report.model` (Python). */

export interface View {
  runs: ViewRun[];
}

/** A picture: `src` is a data: URI in reports and an address in the studio; PNG or lossless WebP. */
export interface Layer {
  label: string;
  src: string;
  width: number;
  height: number;
  note?: string;
  /** The file says with an ICC profile what its colours are. */
  profile?: boolean;
  /** Of a picture larger than a screen: a smaller copy of these colours; the studio gives its tiles, too. */
  preview?: string;
}

/** A map over the picture as a gray picture: 0 is `low`, 255 is `high`, in `unit`. */
export interface Overlay extends Layer {
  name: string;
  low: number;
  high: number;
  unit: string;
  /** It says yes (255) and no (0) alone; where it says no, nothing is drawn. */
  marks: boolean;
}

/** The estimate at one step; narrower than the estimate means: shown enlarged, and said so. */
export interface Snapshot {
  step: number;
  src: string;
  width: number;
  height: number;
  profile?: boolean;
  preview?: string;
}

/** The curves of a run, thinned; a number that was not finite is null. */
export interface History {
  step: number[];
  loss: (number | null)[];
  psnr_observed: (number | null)[];
  truth_step: number[];
  psnr_truth: (number | null)[];
  psnr_truth_iterate: (number | null)[];
  /** The error at what the fit never saw, where a stop rule watched it. */
  held_out_step?: number[];
  held_out?: (number | null)[];
}

export interface Stop {
  step: number;
  kept_step: number;
  kept: string;
  /** The observed picture was then filtered with it as the guide. */
  refined: boolean;
  reason: string;
  advice: string;
  /** `kept_step` was taken by hand, in place of the one that the fit kept. */
  taken?: boolean;
}

/** `stopped` means: cut short, the best is kept, and it can go on. */
export type Status = "queued" | "running" | "finished" | "stopped" | "failed";

export interface ViewRun {
  id: string;
  title: string;
  task: string;
  recipe: string;
  status: Status;
  layers: { observed?: Layer; estimate?: Layer; truth?: Layer };
  overlays: Overlay[];
  /** Height and width of a pixel of the estimate in millimetres, where they are known. */
  pixel_mm?: [number, number];
  snapshots: Snapshot[];
  history: History;
  stop: Stop | null;
  /** Known only with a truth. */
  peak: { step: number; psnr: number } | null;
  facts: { label: string; value: string }[];
  settings: { name: string; value: string; help: string }[];
  notes: string[];
  /** Both reproduce the run. */
  command: string;
  python: string;
}
