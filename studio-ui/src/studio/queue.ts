import { api, urls } from "./api.ts";
import { type App, type Screen, taskTitle } from "./app.ts";
import { button, h, linkButton, setText } from "./dom.ts";
import { count, formatDecibel, formatSeconds } from "./format.ts";
import { jobHash } from "./route.ts";
import { isActive, newestFirst, progressOf } from "./state.ts";
import type { Job } from "./types.ts";

/** All jobs: what runs, what waits, what is done. */
export function queueScreen(app: App): Screen {
  const list = h("ol", { class: "queue" });
  const summary = h("p", { class: "hint", "aria-live": "polite" });
  const empty = h("p", { class: "empty" }, "Nothing here yet. ", linkButton("Restore a picture", "#/"));
  const rows = new Map<string, Row>();

  const update = (): void => {
    const jobs = inOrder(newestFirst(app.store.state));
    empty.hidden = jobs.length > 0;
    const [waiting, running] = [jobs.filter((job) => job.status === "queued"), jobs.filter((job) => job.status === "running")];
    setText(summary, jobs.length === 0 ? "" : `${count(jobs.length, "job")} · ${running.length} running · ${waiting.length} waiting`);
    for (const [id, row] of rows) {
      if (!app.store.state.jobs.has(id)) {
        row.element.remove();
        rows.delete(id);
      }
    }
    jobs.forEach((job, index) => {
      const row = rows.get(job.id) ?? queueRow(app, job);
      rows.set(job.id, row);
      row.update(job);
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
    });
  };
  update();
  const element = h("div", { class: "narrow" }, h("h1", {}, "Queue"), summary, empty, list);
  return { title: "Queue", element, destroy: app.store.subscribe(update) };
}

/** Running first, then waiting by their turn, then the rest, newest first. */
function inOrder(jobs: Job[]): Job[] {
  const rank = (job: Job): number => (job.status === "running" ? 0 : job.status === "queued" ? 1 : 2);
  return jobs.sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? (a.position ?? 0) - (b.position ?? 0) : 0));
}

interface Row {
  element: HTMLElement;
  update(job: Job): void;
}

function queueRow(app: App, first: Job): Row {
  let job = first;
  const act = (action: () => Promise<unknown>) => (): void => void action().catch(app.complain);
  const picture = thumbnail(job);
  const bar = progressBar();
  const detail = h("span", { class: "hint" });
  const pill = h("span", {});
  const stop = button("Stop", act(() => api.stop(job.id)));
  const resume = button("Resume", act(() => api.resume(job.id)));
  const download = linkButton("Download", urls.result(job.id), { download: "" });
  const remove = deleteButton(() => api.remove(job.id), app);
  const element = h(
    "li",
    {},
    h("a", { class: "row-link", href: jobHash(job.id) },
      picture,
      h("span", { class: "row-text" }, h("strong", {}, job.picture_name), h("span", { class: "hint" }, `${taskTitle(app, job.task)} · ${job.recipe}`)),
      h("span", { class: "row-state" }, pill, detail, bar.element)),
    h("span", { class: "row-actions" }, stop, resume, download, remove),
  );
  const update = (now: Job): void => {
    job = now;
    pill.className = `pill ${job.status}`;
    setText(pill, statusText(job));
    setText(detail, detailText(job));
    bar.update(job);
    bar.element.hidden = job.status !== "running";
    stop.hidden = !isActive(job);
    setText(stop, job.status === "queued" ? "Cancel" : job.stopping ? "Stopping …" : "Stop");
    stop.disabled = job.stopping;
    resume.hidden = job.status !== "stopped";
    download.hidden = job.kept_step == null || isActive(job);
    const source = thumbnailSource(job);
    if (picture.getAttribute("src") !== source) picture.src = source;
  };
  return { element, update };
}

/** A job as a card with its picture. */
export function jobCard(app: App, job: Job): HTMLElement {
  return h(
    "a",
    { class: "card", href: jobHash(job.id) },
    thumbnail(job),
    h("strong", {}, job.picture_name),
    h("span", { class: "hint" }, `${taskTitle(app, job.task)} · ${job.recipe}`),
    h("span", { class: `pill ${job.status}` }, statusText(job)),
  );
}

function thumbnail(job: Job): HTMLImageElement {
  return h("img", { class: "thumbnail", src: thumbnailSource(job), alt: "", loading: "lazy", decoding: "async" });
}

function thumbnailSource(job: Job): string {
  const done = job.kept_step != null && !isActive(job);
  return done ? urls.resultThumbnail(job.id, job.revision) : urls.thumbnail(job.picture);
}

export function statusText(job: Job): string {
  switch (job.status) {
    case "queued":
      return job.position == null ? "waiting" : `waiting, number ${job.position}`;
    case "running":
      return job.stopping ? "stopping …" : "running";
    case "finished":
      return "done";
    case "stopped":
      return job.kept_step == null ? "cancelled" : "stopped, best kept";
    case "failed":
      return "failed";
  }
}

function detailText(job: Job): string {
  if (job.status === "failed") return job.error ?? "";
  if (job.status === "queued") return "";
  const steps = job.max_steps == null ? `step ${job.step}` : `step ${job.step} of ${job.max_steps}`;
  if (job.status === "running") return job.seconds_left === null ? "starting" : `${steps} · ${formatSeconds(job.seconds_left)} left at most`;
  return [`${steps}`, formatSeconds(job.seconds), formatDecibel(job.psnr_observed)].filter((text) => text !== "–").join(" · ");
}

export function progressBar(): { element: HTMLProgressElement; update(job: Job): void } {
  const element = h("progress", { max: "1", "aria-label": "Progress" });
  return {
    element,
    update: (job) => {
      element.value = progressOf(job);
    },
  };
}

/** Deleting asks once more, in place. */
export function deleteButton(remove: () => Promise<unknown>, app: App, after: () => void = () => {}): HTMLButtonElement {
  let sure = false;
  let timer = 0;
  const reset = (): void => {
    sure = false;
    setText(element, "Delete");
    element.classList.remove("danger");
  };
  const element = button("Delete", () => {
    clearTimeout(timer);
    if (!sure) {
      sure = true;
      setText(element, "Really delete?");
      element.classList.add("danger");
      timer = window.setTimeout(reset, 4000);
      return;
    }
    reset();
    remove().then(after, app.complain);
  });
  return element;
}
