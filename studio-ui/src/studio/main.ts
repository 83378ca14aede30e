/** The studio's page: which screen is open, and what all of them share. */

import { api } from "./api.ts";
import type { App, Screen } from "./app.ts";
import { batchesScreen } from "./batches.ts";
import { button, fill, h, setText } from "./dom.ts";
import { follow } from "./feed.ts";
import { jobScreen } from "./job.ts";
import { queueScreen } from "./queue.ts";
import { parseRoute, setupHash } from "./route.ts";
import { setupScreen } from "./setup.ts";
import { startScreen } from "./start.ts";
import { Store, isActive, messageOf } from "./state.ts";
import { themeSwitch } from "./theme.ts";
import { acceptDrops, acceptPastes, uploadAll } from "./upload.ts";
import { pageWords as words } from "../words.ts";

const main = document.querySelector("main")!;
const connection = document.getElementById("connection")!;
const complaint = document.getElementById("complaint")!;
const queueCount = document.getElementById("queue-count")!;
const reading = document.getElementById("reading")!;

themeSwitch(document.getElementById("theme")!);

// On this machine a lost connection means that the server has ended, and its workers with it.
const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
setText(connection, own
  ? words.stopped
  : words.lost);

function complain(error: unknown): void {
  fill(complaint, h("span", {}, messageOf(error)), button(words.close, hush));
  complaint.hidden = false;
}

function hush(): void {
  complaint.hidden = true;
  fill(complaint);
}

async function begin(): Promise<void> {
  const store = new Store();
  let told = ""; // of what led to the screen that is opened next
  const go = (hash: string, line = ""): void => {
    told = line;
    location.hash = hash;
  };
  const take = async (files: File[]): Promise<void> => {
    if (files.length === 0) return;
    hush();
    document.body.setAttribute("aria-busy", "true");
    const { pictures, refusals } = await uploadAll(files, (text) => setText(reading, text));
    document.body.removeAttribute("aria-busy");
    const lines = refusals.join(" · ");
    if (pictures.length > 0) go(setupHash(pictures.map((picture) => picture.id)), lines);
    else complain(lines);
  };
  // The start is drawn at once; what the other screens need is on its way behind it.
  const tasks = api.tasks().then((all) => void app.tasks.push(...all));
  const jobs = follow(store);
  const app: App = { store, tasks: [], loaded: tasks, samples: api.samples(), complain, go, take };
  const all = Promise.all([tasks, jobs]).then(() => {});
  for (const request of [all, app.samples]) request.catch(complain);
  acceptDrops(document.documentElement, (files) => void take(files));
  acceptPastes((files) => void take(files));
  void api.about().then((about) => setText(document.getElementById("about")!, [about.version, about.device].join(" · ")), () => {});

  store.subscribe(({ connected, jobs }) => {
    connection.hidden = connected;
    const active = [...jobs.values()].filter(isActive).length;
    setText(queueCount, active > 0 ? String(active) : "");
  });

  let screen: Screen | null = null;
  let turn = 0;
  const open = async (): Promise<void> => {
    const mine = ++turn;
    hush();
    const line = told;
    told = "";
    let next: Screen;
    try {
      next = await screenOf(app, location.hash, all);
    } catch (error) {
      next = startScreen(app);
      history.replaceState(null, "", "#/"); // what is not there any more is not opened again
      complain(error);
    }
    if (mine !== turn) {
      next.destroy(); // the user has gone elsewhere meanwhile
      return;
    }
    screen?.destroy();
    screen = next;
    document.title = next.title ? words.titleOf(next.title) : words.title;
    fill(main, next.element);
    for (const link of document.querySelectorAll("nav a")) {
      const { screen: at } = parseRoute(location.hash);
      const of = at === "batches" ? "#/batches" : at === "queue" || at === "job" ? "#/queue" : "#/";
      const here = link.getAttribute("href") === of;
      link.toggleAttribute("aria-current", here);
    }
    window.scrollTo(0, 0);
    if (line !== "") complain(line);
  };
  window.addEventListener("hashchange", () => void open());
  await open();
}

async function screenOf(app: App, hash: string, loaded: Promise<void>): Promise<Screen> {
  const route = parseRoute(hash);
  if (route.screen !== "start") await loaded;
  switch (route.screen) {
    case "start":
      return startScreen(app);
    case "queue":
      return queueScreen(app);
    case "batches":
      return batchesScreen(app);
    case "job":
      if (!app.store.state.jobs.has(route.id)) throw new Error(words.jobGone);
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
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest<HTMLDetailsElement>("details.menu[open]");
  closeMenus(null);
  open?.querySelector("summary")?.focus();
});

function closeMenus(keep: Node | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!keep || !menu.contains(keep)) menu.open = false;
  }
}

begin().catch(complain);
