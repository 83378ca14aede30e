import type { Store } from "./state.ts";
import type { Sample, Task } from "./types.ts";

/** What every screen is given. */
export interface App {
  store: Store;
  /** Empty until `loaded`. */
  tasks: Task[];
  /** The tasks are there. */
  loaded: Promise<void>;
  samples: Promise<Sample[]>;
  /** Open another screen, there perhaps with a line to tell. */
  go(hash: string, told?: string): void;
  /** Take in files that were dropped, pasted or chosen, and open what is to be done with them. */
  take(files: File[]): Promise<void>;
  /** Show an error's one line until the next thing is done. */
  complain(error: unknown): void;
}

/** A screen is an element and what ends it. */
export interface Screen {
  title: string;
  element: HTMLElement;
  destroy(): void;
}

export function taskTitle(app: App, name: string): string {
  return app.tasks.find((task) => task.name === name)?.title ?? name;
}
