import { ApiError } from "./api.ts";
import type { Job } from "./types.ts";

/** What all screens know of the server's jobs. */
export interface State {
  jobs: ReadonlyMap<string, Job>;
  connected: boolean;
}

export type StudioEvent =
  | { type: "jobs"; jobs: Job[] }
  | { type: "job"; job: Job }
  | { type: "deleted"; id: string }
  | { type: "connected"; connected: boolean };

export const initialState: State = { jobs: new Map(), connected: true };

export function reduce(state: State, event: StudioEvent): State {
  switch (event.type) {
    case "jobs":
      return { ...state, jobs: new Map(event.jobs.map((job) => [job.id, job])) };
    case "job":
      return { ...state, jobs: new Map(state.jobs).set(event.job.id, event.job) };
    case "deleted": {
      const jobs = new Map(state.jobs);
      return jobs.delete(event.id) ? { ...state, jobs } : state;
    }
    case "connected":
      return state.connected === event.connected ? state : { ...state, connected: event.connected };
  }
}

/** All jobs, newest first. */
export function newestFirst(state: State): Job[] {
  return [...state.jobs.values()].sort((a, b) => b.created.localeCompare(a.created) || b.id.localeCompare(a.id));
}

/** The other jobs of a job's picture that have something to show. */
export function siblings(state: State, job: Job): Job[] {
  return newestFirst(state).filter(
    (other) => other.id !== job.id && other.picture === job.picture && other.status !== "queued" && other.status !== "failed",
  );
}

export function isActive(job: Job): boolean {
  return job.status === "queued" || job.status === "running";
}

/** The part of a job that is done, 0 to 1. */
export function progressOf(job: Job): number {
  if (job.status === "finished" || job.status === "stopped") return 1;
  return job.max_steps ? Math.min(1, job.step / job.max_steps) : 0;
}

export type Listener = (state: State) => void;

/** The one place where the state changes. */
export class Store {
  private current = initialState;
  private readonly listeners = new Set<Listener>();

  get state(): State {
    return this.current;
  }

  dispatch(event: StudioEvent): void {
    const next = reduce(this.current, event);
    if (next === this.current) return;
    this.current = next;
    for (const listener of [...this.listeners]) listener(next);
  }

  /** Calls the listener at every change; returns what ends that. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The one line to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError || error instanceof Error ? error.message : String(error);
}
