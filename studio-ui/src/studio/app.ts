import type { Store } from "./state.ts";
import type { About, Sample, Task } from "./types.ts";

/** What every screen is given. */
export interface App {
  store: Store;
  about: About;
  tasks: Task[];
  samples: Sample[];
  go(hash: string): void;
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
