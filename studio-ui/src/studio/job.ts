import { mountViewer } from "../viewer/viewer.ts";
import type { ViewRun } from "../model.ts";
import { api, urls } from "./api.ts";
import { type App, type Screen, taskTitle } from "./app.ts";
import { button, copyText, fill, h, linkButton, setText } from "./dom.ts";
import { depthOf, formatOf, formatRate, formatSeconds, formatSize } from "./format.ts";
import { labelsOf } from "./labels.ts";
import { deleteButton, progressBar, statusText } from "./queue.ts";
import { jobHash, setupHash } from "./route.ts";
import { isActive, siblings } from "./state.ts";
import { strengthSliders } from "./strength.ts";
import type { Job } from "./types.ts";
import { jobWords as words, pageWords } from "../words.ts";

/** The views are fetched at most so often; the estimate changes about once a second. */
const REFRESH_MS = 700;

/** One job: watched while it runs, kept when it is done, compared with others of its picture. */
export function jobScreen(app: App, id: string, compare: string[]): Screen {
  let others = compare;
  const current = (): Job | undefined => app.store.state.jobs.get(id);
  const first = current();

  const bar = progressBar();
  const pill = h("span", { role: "status" });
  const numbers = h("dl", { class: "numbers" });
  const error = h("p", { class: "problem", role: "alert" });
  const act = (action: () => Promise<Job>) => (): void =>
    void action().then((job) => app.store.dispatch({ type: "job", job }), app.complain);

  const stop = button(words.stop, act(() => api.stop(id)), { class: "primary" });
  const resume = button(pageWords.resume, act(() => api.resume(id)), { class: "primary" });
  const download = linkButton(pageWords.download, urls.result(id), { class: "primary", download: "" });
  const eightBits = linkButton(words.plain, urls.eightBits(id, 1), { download: "", title: words.plainTitle });
  const report = linkButton(words.report, urls.report(id), { target: "_blank", rel: "noopener" });
  const again = linkButton(words.other, first ? setupHash([first.picture], { task: first.task, from: id }) : "#/");
  const extend = extendMenu(app, id);
  const copyCommand = copyButton(words.copyCommand, () => views.get(id)?.command ?? current()?.command ?? "");
  const copyPython = copyButton(words.copyPython, () => views.get(id)?.python ?? "");
  const asInput = button(words.asInput, () => {
    asInput.disabled = true;
    api.asPicture(id).then((picture) => app.go(setupHash([picture.id])), app.complain).finally(() => (asInput.disabled = false));
  });
  const remove = deleteButton(() => api.remove(id), app, () => app.go("#/queue"));

  const more = h("details", { class: "menu" },
    h("summary", { class: "button" }, words.more),
    h("div", { class: "menu-body" }, asInput, copyCommand, copyPython, remove));

  const take = button(words.take, () => {
    const step = viewer.step;
    if (step !== null) api.take(id, step).then(() => refresh(), app.complain);
  });
  const taken = h("span", { class: "hint", "aria-live": "polite" });
  const viewerBox = h("div", { class: "viewer-box" });
  const viewer = mountViewer(viewerBox, { keys: "page", beside: h("span", { class: "row" }, take, taken) });
  const strength = strengthSliders(app, () => {
    viewer.step = null; // the result is to be seen, no snapshot
  }, () => {
    last = 0;
    refresh();
  });
  let page = 1;
  const pageInput = h("input", { type: "number", min: "1", id: "page" });
  pageInput.value = "1";
  pageInput.onchange = () => {
    page = Math.max(1, Math.min(current()?.pages ?? 1, Math.round(Number(pageInput.value)) || 1));
    pageInput.value = String(page);
    views.clear();
    eightBits.href = urls.eightBits(id, page);
    refresh();
  };
  const pageCount = h("span", { class: "hint" });
  const pageField = h("div", { class: "row" }, h("label", { for: "page" }, words.page), pageInput, pageCount);
  const compareList = h("div", { class: "chips" });
  const compareSection = h("section", { class: "compare", "aria-label": words.compare }, h("h2", {}, words.compareWith), compareList);
  const waiting = h("p", { class: "hint", role: "status" });
  const firstLook = h("img", { class: "first-look", src: first ? urls.preview(first.picture) : "", alt: first?.picture_name ?? "" });

  const views = new Map<string, ViewRun>();
  let busy = false;
  let again_ = false;
  let last = 0;
  let timer = 0;
  let closed = false;
  let selected = false;
  /** Whose result is to stand left as soon as it is there. */
  let left = others[0] ?? null;

  const shown = (): string[] => [id, ...others];

  /** This job's name and those of its siblings: what they differ by. */
  function currentLabels(): Map<string, string> {
    const job = current();
    return job ? labelsOf([job, ...siblings(app.store.state, job)], app.tasks) : new Map();
  }

  function compareWith(other: string, wanted: boolean): void {
    others = wanted ? [...others, other] : others.filter((run) => run !== other);
    history.replaceState(null, "", jobHash(id, others)); // the viewer stays: zoom, place and focus, too
    left = wanted ? other : (others.at(-1) ?? null);
    if (left === null) viewer.choose({ left: "observed" });
    last = 0;
    refresh();
  }

  async function fetchViews(): Promise<void> {
    busy = true;
    last = performance.now();
    // Before the first step there is no view yet; what is done and was fetched does not change any more.
    const wanted = shown().filter((run) => {
      const job = app.store.state.jobs.get(run);
      return job && hasBegun(job) && (run === id || isActive(job) || !views.has(run));
    });
    for (const run of wanted) {
      const view = await api.view(run, page).catch(() => null);
      if (closed) return;
      if (view) views.set(run, view);
    }
    busy = false;
    // Before the first estimate there is nothing to compare; the picture alone is shown.
    const runs = shown().flatMap((run) => views.get(run) ?? []).filter((run) => run.layers.estimate);
    const labels = currentLabels();
    const titled = runs.length < 2 ? runs : runs.map((run) => ({ ...run, title: labels.get(run.id) ?? run.title }));
    viewerBox.hidden = runs.length === 0;
    firstLook.hidden = waiting.hidden = runs.length > 0;
    if (runs.length > 0) viewer.show(titled);
    if (!selected && views.get(id)?.layers.estimate) {
      selected = true; // another may have been there before it
      viewer.select(id);
    }
    if (left !== null && runs.some((run) => run.id === left)) {
      viewer.choose({ left: `run:${left}` });
      left = null;
    }
    updateTake();
    if (again_) {
      again_ = false;
      refresh();
    }
  }

  function refresh(): void {
    if (busy) {
      again_ = true;
      return;
    }
    clearTimeout(timer);
    timer = window.setTimeout(() => void fetchViews(), Math.max(0, last + REFRESH_MS - performance.now()));
  }

  function updateTake(): void {
    const job = current();
    const step = viewer.step;
    const done = job !== undefined && !isActive(job) && job.kept_step !== null;
    take.hidden = !done || viewer.run !== id;
    const kept = job?.taken_step ?? job?.kept_step ?? null;
    take.disabled = step === null || step === kept;
    setText(take, step === null || step === kept ? words.take : words.takeStep(step));
    setText(taken, job?.taken_step != null && done ? words.taken(job.taken_step) : "");
  }

  let seen = "";
  const update = (): void => {
    const job = current();
    if (!job) {
      app.go("#/queue");
      return;
    }
    const key = shown().map((run) => JSON.stringify(app.store.state.jobs.get(run))).join();
    if (key !== seen) {
      seen = key;
      showJob(job);
      if (hasBegun(job)) refresh();
    }
    showCompare(job);
  };

  function showJob(job: Job): void {
    const active = isActive(job);
    const kept = job.kept_step !== null && !active;
    pill.className = `pill ${job.status}`;
    setText(pill, statusText(job));
    bar.update(job);
    bar.element.hidden = !active;
    stop.hidden = !active;
    setText(stop, job.status === "queued" ? pageWords.cancel : job.stopping ? words.stopping : words.stop);
    stop.disabled = job.stopping;
    resume.hidden = job.status !== "stopped" && job.status !== "failed";
    setText(resume, job.status === "failed" ? pageWords.retry : pageWords.resume);
    resume.classList.toggle("primary", !kept);
    extend.element.hidden = !kept || !job.extendable || job.pages > 1; // of tiles and stacks the end is not kept
    setText(download, downloadText(job));
    eightBits.hidden = !kept || job.suffix === null || isPlain(job);
    eightBits.href = urls.eightBits(id, page);
    download.hidden = report.hidden = asInput.hidden = !kept;
    copyPython.hidden = job.status === "queued";
    setText(error, job.status === "failed" ? (job.error ?? words.failed) : "");
    pageField.hidden = job.pages < 2;
    pageInput.setAttribute("max", String(job.pages));
    setText(pageCount, words.ofPages(job.pages));
    const waits = job.status === "queued";
    waiting.hidden = firstLook.hidden = !waits && (!viewerBox.hidden || job.status === "failed");
    setText(waiting, waits ? words.waiting(job.position ?? 1) : job.status === "running" ? words.firstLook : "");
    fill(numbers, ...facts(job).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    const title = pageWords.titleOf(job.picture_name);
    document.title = job.status === "running" && job.max_steps ? words.titlePart(Math.floor((100 * job.step) / job.max_steps), title) : title;
    strength.update(job);
    updateTake();
  }

  function showCompare(job: Job): void {
    const all = siblings(app.store.state, job);
    compareSection.hidden = all.length === 0;
    const labels = currentLabels();
    const texts = all.map((other) => {
      const label = labels.get(other.id) ?? "";
      return [other.id, isActive(other) ? words.running(label) : label] as const;
    });
    const key = JSON.stringify(texts);
    if (compareList.dataset["key"] === key) return;
    compareList.dataset["key"] = key;
    const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement.value : "";
    fill(compareList, ...texts.map(([other, text]) => {
      const box = h("input", { type: "checkbox", value: other });
      box.checked = others.includes(other);
      box.onchange = () => compareWith(other, box.checked);
      return h("label", { class: "chip" }, box, text);
    }));
    compareList.querySelector<HTMLInputElement>(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }

  const stopListening = [viewer.on("step", updateTake), viewer.on("run", updateTake)];
  const unsubscribe = app.store.subscribe(update);
  const element = h(
    "div",
    { class: "job" },
    h("header", { class: "job-head" },
      h("div", { class: "job-title" },
        h("h1", {}, first?.picture_name ?? ""),
        h("p", { class: "hint" }, first ? pageWords.method(taskTitle(app, first.task), first.recipe) : ""),
        pill),
      h("div", { class: "actions" }, stop, resume, download, eightBits, report, extend.element, again, more)),
    h("div", { class: "job-progress" }, bar.element, numbers),
    error,
    pageField,
    waiting,
    h("div", { class: "job-tools" }, compareSection, strength.element),
    firstLook,
    viewerBox,
  );
  viewerBox.hidden = true;
  update();
  return {
    title: first?.picture_name ?? "",
    element,
    destroy: () => {
      closed = true;
      clearTimeout(timer);
      unsubscribe();
      for (const end of stopListening) end();
      viewer.destroy();
    },
  };
}

function hasBegun(job: Job): boolean {
  return job.step > 0 || job.kept_step !== null;
}

function facts(job: Job): [string, string][] {
  const steps = job.max_steps === null ? String(job.step) : words.steps(job.step, job.max_steps);
  const all: [string, string][] = [
    [words.step, job.status === "running" && job.step === 0 ? words.starting : steps],
    ...(job.status === "running" ? [[words.speed, formatRate(job.steps_per_second)] as [string, string]] : []),
    job.status === "running" ? [words.left, formatSeconds(job.seconds_left)] : [words.time, formatSeconds(job.seconds)],
  ];
  if (job.kept_step !== null && !isActive(job)) all.push([words.kept, words.keptStep(job.taken_step ?? job.kept_step)]);
  if (job.width && job.height) all.push([words.size, formatSize(job.width, job.height)]);
  return job.status === "queued" ? [] : all;
}

/** "Download TIFF (16 bit)". */
function downloadText({ suffix, depth }: Job): string {
  if (suffix === null) return pageWords.download;
  const kind = formatOf(suffix);
  return words.downloadOf(kind, depth !== null && /\d$/.test(depth) ? depthOf(depth) : null);
}

/** Whether what downloads is what every program opens. */
function isPlain({ suffix, depth }: Job): boolean {
  return depth === "uint8" && suffix !== null && ["PNG", "JPEG"].includes(formatOf(suffix));
}

function extendMenu(app: App, id: string): { element: HTMLElement } {
  const steps = h("input", { type: "number", min: "1", max: "1000000", step: "1", id: "extend-steps" });
  steps.value = "500";
  const element = h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, words.extend),
    h("form", {
      class: "menu-body",
      onsubmit: (event) => {
        event.preventDefault();
        api.extend(id, Number(steps.value)).then((job) => {
          element.open = false;
          app.store.dispatch({ type: "job", job });
          if (job.id !== id) app.go(jobHash(job.id, [id]));
        }, app.complain);
      },
    },
      h("label", { for: "extend-steps" }, words.further),
      h("div", { class: "row" }, steps, h("button", { type: "submit", class: "primary" }, words.goOn))),
  );
  return { element };
}

function copyButton(text: string, what: () => string): HTMLButtonElement {
  const element = button(text, () => {
    void copyText(what()).then(() => {
      setText(element, words.copied);
      setTimeout(() => setText(element, text), 1500);
    });
  });
  return element;
}
