import { api, urls } from "./api.ts";
import { type App, type Screen, taskTitle } from "./app.ts";
import { button, h, linkButton, setText } from "./dom.ts";
import { formatSeconds } from "./format.ts";
import { jobHash } from "./route.ts";
import { isActive, newestFirst, progressOf } from "./state.ts";
import type { Job } from "./types.ts";
import { jobWords, pageWords, queueWords as words, startWords, statusWords, unitWords } from "../words.ts";

/** So many rows are drawn at first, and so many more at a time. */
const ROWS = 100;

const KINDS = words.kinds;
type Kind = keyof typeof KINDS;

/** All jobs: what runs, what waits, what is done; many can be chosen and taken together. */
export function queueScreen(app: App): Screen {
  const list = h("ol", { class: "queue" });
  const summary = h("p", { class: "hint", "aria-live": "polite" });
  const empty = h("p", { class: "empty" }, words.empty, linkButton(startWords.title, "#/"));
  const rows = new Map<string, Row>();
  const chosen = new Set<string>();
  let most = ROWS;
  let matching: Job[] = [];

  const search = h("input", { type: "search", "aria-label": words.find, placeholder: words.find });
  const kind = h("select", { "aria-label": words.show }, ...Object.entries(KINDS).map(([value, text]) => h("option", { value }, text)));
  const every = h("input", { type: "checkbox", "aria-label": words.every });
  const everyText = h("span", {});
  const pattern = h("input", { type: "text", "aria-label": words.names, title: words.namesHelp });
  pattern.value = "{name}-{task}";
  const zip = linkButton("", "#", { download: "" });
  const removeChosen = deleteButton(() => api.removeAll([...chosen]), app, () => {
    chosen.clear();
    update();
  });
  const clear = deleteButton(() => api.removeAll(matching.filter((job) => job.status === "finished").map((job) => job.id)), app, () => {}, words.clear);
  const further = button("", () => {
    most += ROWS;
    update();
  });
  search.oninput = kind.onchange = () => {
    most = ROWS;
    update();
  };
  every.onchange = () => {
    for (const job of matching) {
      if (every.checked) chosen.add(job.id);
      else chosen.delete(job.id);
    }
    update();
  };
  const choose = (id: string, wanted: boolean): void => {
    if (wanted) chosen.add(id);
    else chosen.delete(id);
    showChoice();
  };
  pattern.oninput = () => showChoice();

  const tools = h("div", { class: "queue-tools", role: "group", "aria-label": words.tools },
    h("label", { class: "row" }, every, everyText), search, kind, h("span", { class: "grow" }), clear);
  const several = h("div", { class: "queue-tools chosen", role: "group", "aria-label": words.withChosen }, h("span", {}, words.named), pattern, zip, removeChosen);

  function showChoice(): void {
    const { jobs } = app.store.state;
    const results = [...chosen].filter((id) => hasResult(jobs.get(id)));
    several.hidden = chosen.size === 0;
    setText(everyText, chosen.size === 0 ? words.chooseAll : words.chosen(chosen.size));
    every.checked = matching.length > 0 && matching.every((job) => chosen.has(job.id));
    every.indeterminate = chosen.size > 0 && !every.checked;
    zip.hidden = results.length === 0;
    setText(zip, words.zip(results.length));
    const href = urls.results(results, pattern.value || "{name}-{task}");
    if (zip.getAttribute("href") !== href) zip.href = href;
    for (const [id, row] of rows) row.box.checked = chosen.has(id);
  }

  function update(): void {
    const jobs = inOrder(newestFirst(app.store.state));
    const [waiting, running] = [jobs.filter((job) => job.status === "queued"), jobs.filter((job) => job.status === "running")];
    const text = search.value.trim().toLowerCase();
    matching = jobs.filter((job) => isOfKind(job, kind.value as Kind) && `${job.picture_name} ${taskTitle(app, job.task)} ${job.recipe}`.toLowerCase().includes(text));
    const shown = matching.slice(0, most);
    empty.hidden = jobs.length > 0;
    tools.hidden = jobs.length === 0;
    clear.hidden = !matching.some((job) => job.status === "finished");
    further.hidden = matching.length <= most;
    setText(further, words.further(Math.min(ROWS, matching.length - most)));
    setText(summary, jobs.length === 0 ? "" : words.summary(jobs.length, running.length, waiting.length, matching.length));
    for (const id of chosen) if (!app.store.state.jobs.has(id)) chosen.delete(id);
    const ids = new Set(shown.map((job) => job.id));
    for (const [id, row] of rows) {
      if (!ids.has(id)) {
        row.element.remove();
        rows.delete(id);
      }
    }
    shown.forEach((job, index) => {
      const row = rows.get(job.id) ?? queueRow(app, job, (wanted) => choose(job.id, wanted));
      rows.set(job.id, row);
      row.update(job);
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
    });
    showChoice();
  }
  update();
  const element = h("div", { class: "narrow" }, h("h1", {}, words.title), summary, tools, several, empty, list, further);
  return { title: words.title, element, destroy: app.store.subscribe(update) };
}

function hasResult(job: Job | undefined): boolean {
  return job !== undefined && job.kept_step != null && !isActive(job);
}

function isOfKind(job: Job, kind: Kind): boolean {
  if (kind === "active") return isActive(job);
  if (kind === "done") return hasResult(job);
  return kind === "all" || job.status === "failed";
}

/** Running first, then waiting by their turn, then the rest, newest first. */
function inOrder(jobs: Job[]): Job[] {
  const rank = (job: Job): number => (job.status === "running" ? 0 : job.status === "queued" ? 1 : 2);
  return jobs.sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? (a.position ?? 0) - (b.position ?? 0) : 0));
}

interface Row {
  element: HTMLElement;
  box: HTMLInputElement;
  update(job: Job): void;
}

function queueRow(app: App, first: Job, choose: (wanted: boolean) => void): Row {
  let job = first;
  let drawn: Job | null = null;
  const box = h("input", { type: "checkbox", "aria-label": words.chooseJob(job.picture_name) });
  box.onchange = () => choose(box.checked);
  const act = (action: () => Promise<unknown>) => (): void => void action().catch(app.complain);
  const picture = thumbnail(job);
  const bar = progressBar();
  const detail = h("span", { class: "hint" });
  const pill = h("span", {});
  const stop = button(pageWords.stop, act(() => api.stop(job.id)));
  const front = button(words.front, act(() => api.toFront(job.id)), { "aria-label": words.frontOf(job.picture_name) });
  const resume = button(pageWords.resume, act(() => api.resume(job.id)));
  const download = linkButton(pageWords.download, urls.result(job.id), { download: "", "aria-label": pageWords.of(pageWords.download, job.picture_name) });
  const remove = deleteButton(() => api.remove(job.id), app, () => {}, pageWords.deleteAction, job.picture_name);
  const element = h(
    "li",
    {},
    box,
    h("a", { class: "row-link", href: jobHash(job.id) },
      picture,
      h("span", { class: "row-text" }, h("strong", {}, job.picture_name), h("span", { class: "hint" }, pageWords.method(taskTitle(app, job.task), job.recipe))),
      h("span", { class: "row-state" }, pill, detail, bar.element)),
    h("span", { class: "row-actions" }, front, stop, resume, download, remove),
  );
  const update = (now: Job): void => {
    if (now === drawn) return; // the store keeps what has not changed
    job = drawn = now;
    pill.className = `pill ${job.status}`;
    setText(pill, statusText(job));
    setText(detail, detailText(job));
    bar.update(job);
    bar.element.hidden = job.status !== "running";
    stop.hidden = !isActive(job);
    setText(stop, job.status === "queued" ? pageWords.cancel : job.stopping ? words.stopping : pageWords.stop);
    stop.disabled = job.stopping;
    front.hidden = job.status !== "queued" || job.position === 1;
    resume.hidden = job.status !== "stopped" && job.status !== "failed";
    setText(resume, job.status === "failed" ? pageWords.retry : pageWords.resume);
    download.hidden = !hasResult(job);
    const source = thumbnailSource(job);
    if (picture.getAttribute("src") !== source) picture.src = source;
  };
  return { element, box, update };
}

/** A job as a card with its picture. */
export function jobCard(app: App, job: Job): HTMLElement {
  return h(
    "a",
    { class: "card", href: jobHash(job.id) },
    thumbnail(job),
    h("strong", {}, job.picture_name),
    h("span", { class: "hint" }, pageWords.method(taskTitle(app, job.task), job.recipe)),
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
      return job.position == null ? statusWords.waiting : statusWords.waitingAt(job.position);
    case "running":
      return job.stopping ? statusWords.stopping : statusWords.running;
    case "finished":
      return statusWords.finished;
    case "stopped":
      return job.kept_step == null ? statusWords.cancelled : statusWords.stopped;
    case "failed":
      return statusWords.failed;
  }
}

function detailText(job: Job): string {
  if (job.status === "failed") return job.error ?? "";
  if (job.status === "queued") return "";
  const steps = job.max_steps == null ? words.step(job.step) : words.stepOf(job.step, job.max_steps);
  if (job.status === "running") return job.seconds_left === null ? jobWords.starting : words.left(steps, formatSeconds(job.seconds_left));
  return [steps, formatSeconds(job.seconds)].filter((text) => text !== unitWords.none).join(" · ");
}

export function progressBar(): { element: HTMLProgressElement; update(job: Job): void } {
  const element = h("progress", { max: "1", "aria-label": pageWords.progress });
  return {
    element,
    update: (job) => {
      element.value = progressOf(job);
    },
  };
}

/** Deleting asks once more, in place; `of` tells those who only hear it what is deleted. */
export function deleteButton(remove: () => Promise<unknown>, app: App, after: () => void = () => {}, text = pageWords.deleteAction, of = ""): HTMLButtonElement {
  let sure = false;
  let timer = 0;
  const say = (action: string): void => {
    setText(element, action);
    if (of !== "") element.setAttribute("aria-label", pageWords.of(action, of));
  };
  const reset = (): void => {
    sure = false;
    say(text);
    element.classList.remove("danger");
  };
  const element = button(text, () => {
    clearTimeout(timer);
    if (!sure) {
      sure = true;
      say(pageWords.sure);
      element.classList.add("danger");
      timer = window.setTimeout(reset, 4000);
      return;
    }
    reset();
    remove().then(after, app.complain);
  });
  say(text);
  return element;
}
