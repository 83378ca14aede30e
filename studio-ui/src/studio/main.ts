/** The studio's page: which screen is open, and what all of them share. */

import { api } from "./api.ts";
import type { App, Screen } from "./app.ts";
import { button, fill, h, setText } from "./dom.ts";
import { follow } from "./feed.ts";
import { jobScreen } from "./job.ts";
import { queueScreen } from "./queue.ts";
import { parseRoute } from "./route.ts";
import { setupScreen } from "./setup.ts";
import { startScreen } from "./start.ts";
import { Store, isActive, messageOf } from "./state.ts";

const main = document.querySelector("main")!;
const connection = document.getElementById("connection")!;
const complaint = document.getElementById("complaint")!;
const queueCount = document.getElementById("queue-count")!;

function complain(error: unknown): void {
  fill(complaint, h("span", {}, messageOf(error)), button("Close", hush));
  complaint.hidden = false;
}

function hush(): void {
  complaint.hidden = true;
  fill(complaint);
}

async function begin(): Promise<void> {
  const store = new Store();
  const [about, tasks, samples, jobs] = await Promise.all([api.about(), api.tasks(), api.samples(), api.jobs()]);
  store.dispatch({ type: "jobs", jobs });
  const app: App = { store, about, tasks, samples, complain, go: (hash) => void (location.hash = hash) };
  setText(document.getElementById("about")!, `${about.version} · ${about.device}`);

  store.subscribe(({ connected, jobs }) => {
    connection.hidden = connected;
    const active = [...jobs.values()].filter(isActive).length;
    setText(queueCount, active > 0 ? String(active) : "");
  });
  follow(store);

  let screen: Screen | null = null;
  let turn = 0;
  const open = async (): Promise<void> => {
    const mine = ++turn;
    hush();
    let next: Screen;
    try {
      next = await screenOf(app, location.hash);
    } catch (error) {
      next = startScreen(app);
      complain(error);
    }
    if (mine !== turn) {
      next.destroy(); // the user has gone elsewhere meanwhile
      return;
    }
    screen?.destroy();
    screen = next;
    document.title = next.title ? `${next.title} – untrained studio` : "untrained studio";
    fill(main, next.element);
    for (const link of document.querySelectorAll("nav a")) {
      const here = link.getAttribute("href") === (parseRoute(location.hash).screen === "queue" ? "#/queue" : "#/");
      link.toggleAttribute("aria-current", here);
    }
    window.scrollTo(0, 0);
  };
  window.addEventListener("hashchange", () => void open());
  await open();
}

async function screenOf(app: App, hash: string): Promise<Screen> {
  const route = parseRoute(hash);
  switch (route.screen) {
    case "start":
      return startScreen(app);
    case "queue":
      return queueScreen(app);
    case "job":
      if (!app.store.state.jobs.has(route.id)) throw new Error("this job is no more; it was deleted");
      return jobScreen(app, route.id, route.compare);
    case "setup": {
      const pictures = await Promise.all(route.pictures.map(api.picture));
      const from = route.from === null ? null : (app.store.state.jobs.get(route.from) ?? null);
      return setupScreen(app, pictures, route.task, from);
    }
  }
}

// A menu closes when the user goes on elsewhere, or with Escape.
document.addEventListener("pointerdown", (event) => closeMenus(event.target as Node));
document.addEventListener("focusin", (event) => closeMenus(event.target as Node));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));

function closeMenus(keep: Node | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!keep || !menu.contains(keep)) menu.open = false;
  }
}

// Files dropped beside the drop zone must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

begin().catch(complain);
