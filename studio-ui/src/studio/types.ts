import type { Status } from "../model.ts";

/** What the server's API answers and takes; see /docs of a running studio. */

export interface About {
  version: string;
  device: string;
  cores: number;
  workspace: string;
  max_pixels: number;
  max_upload_bytes: number;
}

export type OptionValue = number | boolean | string | null;

export interface TaskFile {
  name: string;
  label: string;
  help: string;
  required: boolean;
  /** For <input type=file>. */
  accepts: string;
}

export interface TaskOption {
  name: string;
  kind: "number" | "integer" | "boolean" | "choice" | "text";
  default: OptionValue;
  min: number | null;
  max: number | null;
  choices: string[];
  label: string;
  help: string;
  required: boolean;
}

export interface RecipeSetting {
  name: string;
  value: string;
  help: string;
}

export interface Recipe {
  name: string;
  title: string;
  description: string;
  cites: string;
  settings: RecipeSetting[];
}

export interface Task {
  name: string;
  title: string;
  description: string;
  takes: "picture" | "scan";
  files: TaskFile[];
  options: TaskOption[];
  recipes: Recipe[];
}

export interface Sample {
  name: string;
  title: string;
  task: string;
  width: number;
  height: number;
}

export interface Picture {
  id: string;
  name: string;
  kind: UploadKind;
  width: number;
  height: number;
  channels: number;
  pages: number;
  depth: string;
  bytes: number;
}

/** A blur kernel may be smaller than any picture, and an array. */
export type UploadKind = "picture" | "kernel" | "scan";

/** An entry of a batch that was done; the gain is in dB, null without a truth. */
export interface BatchResult {
  key: string;
  name: string;
  seconds: number | null;
  gain: number | null;
  at: number;
}

/** How far a batch is; the server's `Batch`. */
export interface Batch {
  id: string;
  name: string;
  folder: string;
  error: string | null;
  total: number | null;
  done: number;
  refused: number;
  failed: number;
  left: number | null;
  at_work: number;
  rate_per_second: number | null;
  seconds_left: number | null;
  worker_seconds: number;
  reasons: Record<string, number>;
  dashboard: string;
  updated: string | null;
  latest: BatchResult[];
}

export interface JobRequest {
  task: string;
  picture: string;
  files: Record<string, string>;
  options: Record<string, OptionValue>;
  recipe: string;
  settings: Record<string, string>;
  seed: number;
  truth: string | null;
}

export interface Plan {
  width: number;
  height: number;
  channels: number;
  max_steps: number;
  seconds: number | null;
  /** The least and the most that it may take. */
  between: [number, number] | null;
  memory_bytes: number;
  tiles: number;
  device: string;
  precision: string;
}

export type { Status } from "../model.ts";

/** What the server tells of a job; `taken_step` was taken by hand, `extended` is the job that it went on from. */
export interface Job {
  id: string;
  task: string;
  picture: string;
  picture_name: string;
  recipe: string;
  settings: Record<string, unknown>;
  options: Record<string, OptionValue>;
  files: Record<string, string>;
  seed: number;
  truth: string | null;
  status: Status;
  error: string | null;
  position: number | null;
  step: number;
  max_steps: number | null;
  seconds: number;
  steps_per_second: number | null;
  seconds_left: number | null;
  /** It is asked to stop, and will after its next look. */
  stopping: boolean;
  psnr_observed: number | null;
  created: string;
  started: string | null;
  ended: string | null;
  stop_reason: string | null;
  kept_step: number | null;
  /** Of a stack. */
  pages: number;
  taken_step: number | null;
  extended: string | null;
  more_steps: number | null;
  width: number | null;
  height: number | null;
  command: string;
  /** The end of the fit was kept: more steps can follow. */
  extendable: boolean;
  /** Of the file to download; null of a job of an older version. */
  suffix: string | null;
  depth: string | null;
  /** Grows with every change. */
  revision: number;
}
