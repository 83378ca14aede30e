import { api, urls } from "./api.ts";
import type { App, Screen } from "./app.ts";
import { button, chooseFiles, fill, h, setText } from "./dom.ts";
import { type FormState, emptyForm, formOfJob, problemOf, toRequest } from "./form.ts";
import { depthOf, formatBytes, formatSize } from "./format.ts";
import { keepForm, keepMask, keptForm, keptMask } from "./kept.ts";
import { Mask } from "./mask.ts";
import { type Painter, mountPainter, readPixels } from "./painter.ts";
import { estimatePanel } from "./plan.ts";
import { jobHash, setupHash } from "./route.ts";
import type { Job, JobRequest, Picture, Task } from "./types.ts";
import { taskFields } from "./fields.ts";
import { uploadAll } from "./upload.ts";
import { painterWords, setupWords as words } from "../words.ts";

/** Masks as they are painted, by picture: they outlive the screen, not the page. */
const masks = new Map<string, Mask>();

/** What is to be done with the chosen pictures. */
export function setupScreen(app: App, pictures: Picture[], taskName: string | null, from: Job | null): Screen {
  const tasks = tasksFor(app.tasks, pictures);
  let task = tasks.find((t) => t.name === (taskName ?? from?.task)) ?? tasks[0]!;
  const formOf = (of: Task): FormState =>
    keptForm(from?.task === of.name ? formOfJob(of, from) : emptyForm(of), pictures, from?.id ?? "");
  let form = formOf(task);
  for (const picture of pictures) {
    const mask = masks.has(picture.id) ? null : keptMask(picture);
    if (mask !== null) masks.set(picture.id, mask);
  }
  let active = pictures[0]!;
  let painter: Painter | null = null;
  let closed = false;
  const planMasks = new Map<string, Promise<string>>();

  const preview = h("div", { class: "preview" });
  const strip = h("ul", { class: "strip", "aria-label": words.strip });
  const fields = h("div", { class: "fields" });
  const problem = h("p", { class: "problem", "aria-live": "polite" });
  let refused = false;
  const estimate = estimatePanel((now) => {
    refused = now;
    allow();
  });
  const start = button("", () => void submit(), { class: "primary big" });
  const paintsMask = (): boolean => task.takes === "picture" && task.files.some((file) => file.name === "mask");

  /** The request of a picture; a painted mask is uploaded only when the job is started. */
  function request(picture: Picture, files: Record<string, string> = {}): JobRequest {
    const asked = toRequest(form, task, picture.id, files);
    // What is painted here is white where known, whatever an earlier file was.
    if (paintsMask() && "mask_invert" in asked.options) asked.options["mask_invert"] = false;
    return asked;
  }

  function painted(picture: Picture): boolean {
    return (masks.get(picture.id)?.count() ?? 0) > 0;
  }

  function nothingToFill(): string | null {
    const solid = paintsMask() ? pictures.find((picture) => !painted(picture) && !mayHaveHoles(picture)) : undefined;
    if (!solid) return null;
    return pictures.length === 1 ? words.nothingPainted : words.nothingPaintedIn(solid.name);
  }

  const wrongWith = (): string | null => nothingToFill() ?? problemOf(form, task, (name) => name in form.files);

  /** One picture that the plan has refused is not to be restored; of several, the others are. */
  function allow(): void {
    start.disabled = wrongWith() !== null || (refused && pictures.length === 1);
  }

  let asks = 0;
  function changed(): void {
    keepForm(form, pictures, from?.id ?? "");
    const wrong = wrongWith();
    const mine = ++asks;
    setText(problem, wrong ?? "");
    problem.className = wrong !== null && wrong === nothingToFill() ? "hint" : "problem"; // it is yet to be painted: no error
    allow();
    setText(start, pictures.length === 1 ? words.restore : words.restoreSeveral(pictures.length));
    if (wrong === null) void planRequest(active).then((asked) => {
      if (!closed && mine === asks) estimate.ask(asked, pictures.length);
    }, app.complain);
    else estimate.clear();
  }

  /** The cost does not depend on what is painted, so the first stroke's mask stands for all that follow. */
  async function planRequest(picture: Picture): Promise<JobRequest> {
    if (!paintsMask() || !painted(picture)) return request(picture);
    const mask = planMasks.get(picture.id) ?? maskOf(picture).then((files) => files["mask"]!);
    planMasks.set(picture.id, mask);
    const id = await mask;
    return paintsMask() ? request(picture, { mask: id }) : request(picture); // the task may be another by now
  }

  async function submit(): Promise<void> {
    start.disabled = true;
    start.setAttribute("aria-busy", "true");
    const jobs: Job[] = [];
    try {
      for (const picture of pictures) jobs.push(await api.start(request(picture, await maskOf(picture))));
    } catch (error) {
      app.complain(error);
    } finally {
      start.removeAttribute("aria-busy");
      allow();
    }
    for (const job of jobs) app.store.dispatch({ type: "job", job });
    if (jobs.length < pictures.length) return;
    app.go(jobs.length === 1 ? jobHash(jobs[0]!.id, from ? [from.id] : []) : "#/queue");
  }

  async function maskOf(picture: Picture): Promise<Record<string, string>> {
    const mask = masks.get(picture.id);
    if (!paintsMask() || !mask || mask.count() === 0) return {};
    const blob = picture.id === active.id && painter ? await painter.toBlob() : await maskBlob(mask);
    return { mask: (await api.uploadMask(blob, painterWords.fileName(picture.name.replace(/\.[^.]*$/, "")), picture.id)).id };
  }

  async function showPicture(): Promise<void> {
    painter?.destroy();
    painter = null;
    const caption = h("p", { class: "hint" }, describe(active));
    if (!paintsMask()) {
      fill(preview, h("img", { src: urls.shown(active), alt: active.name, width: active.width, height: active.height }), caption);
      return;
    }
    const shown = active;
    const mask = masks.get(active.id) ?? new Mask(active.width, active.height);
    if (!masks.has(active.id) && form.files["mask"]) await loadMask(mask, form.files["mask"]).catch(app.complain);
    masks.set(active.id, mask);
    painter = mountPainter(urls.shown(active), urls.picture(active.id), mask, active.name, active.channels % 2 === 0, (file) => api.readMask(file, shown.id), () => {
      keepMask(shown, mask);
      changed();
    });
    fill(preview, painter.element, caption);
  }

  function showStrip(): void {
    strip.hidden = pictures.length === 1;
    fill(strip, ...pictures.map((picture) =>
      h("li", {},
        h("button", {
          type: "button", title: picture.name, "aria-pressed": String(picture === active),
          onclick: () => {
            active = picture;
            showStrip();
            void showPicture();
            changed();
          },
        }, h("img", { src: urls.thumbnail(picture.id), alt: picture.name, loading: "lazy" })))));
  }

  function showFields(): void {
    fill(fields, taskFields({
      task, form, changed,
      painted: paintsMask(),
      upload: async (accept, kind) => {
        const files = await chooseFiles(accept, false);
        const { pictures: uploaded, refusals } = await uploadAll(files, () => {}, kind);
        if (refusals[0]) app.complain(refusals[0]);
        return uploaded[0] ?? null;
      },
    }));
  }

  function pick(next: Task): void {
    task = next;
    form = formOf(task);
    estimate.clear();
    history.replaceState(null, "", setupHash(pictures.map((p) => p.id), { task: task.name, ...(from ? { from: from.id } : {}) }));
    setText(description, task.description);
    showFields();
    void showPicture();
    changed();
  }

  const taskSelect = h("select", {
    id: "task",
    onchange: () => pick(tasks.find((t) => t.name === taskSelect.value)!),
  }, ...tasks.map((t) => h("option", { value: t.name }, t.title)));
  taskSelect.value = task.name;
  const description = h("p", { class: "hint" }, task.description);

  const element = h(
    "div",
    { class: "setup" },
    h("h1", { class: "visually-hidden" }, pictures.length === 1 ? active.name : words.pictures(pictures.length)),
    h("section", { class: "setup-picture", "aria-label": words.picture }, strip, preview),
    h("form", { class: "form-panel", "aria-label": words.form, onsubmit: (event) => event.preventDefault() },
      h("label", { for: "task" }, words.task), taskSelect, description,
      fields,
      h("div", { class: "start-bar" }, problem, estimate.element, start)),
  );
  showStrip();
  showFields();
  void showPicture();
  changed();
  const title = pictures.length === 1 ? active.name : words.pictures(pictures.length);
  return {
    title, element,
    destroy: () => {
      closed = true;
      painter?.destroy();
      estimate.clear();
      for (const mask of planMasks.values()) void mask.then(api.removePicture).catch(() => {});
    },
  };
}

/** Of scans those that take them; of files that may be either, all. */
function tasksFor(tasks: Task[], pictures: Picture[]): Task[] {
  const scans = pictures.some(({ kind }) => kind === "scan");
  const either = pictures.every(({ name }) => /\.(npy|tiff?)$/i.test(name));
  return tasks.filter(({ takes }) => (scans ? takes === "scan" : takes === "picture" || either));
}

function describe(picture: Picture): string {
  if (picture.kind === "scan") return words.scan(picture.name, picture.depth, words.slices(picture.pages), formatBytes(picture.bytes));
  const colours = words.colours[picture.channels] ?? words.channels(picture.channels);
  const pages = picture.pages > 1 ? words.pages(picture.pages) : null;
  return words.facts(picture.name, formatSize(picture.width, picture.height), depthOf(picture.depth), colours, pages, formatBytes(picture.bytes));
}

/** Transparent pixels and those that are no number are filled without a mask. */
function mayHaveHoles(picture: Picture): boolean {
  return picture.channels % 2 === 0 || picture.depth.startsWith("float");
}

async function loadMask(mask: Mask, picture: string): Promise<void> {
  const blob = await (await fetch(urls.picture(picture))).blob();
  mask.loadFile(await readPixels(blob, mask.width, mask.height));
}

async function maskBlob(mask: Mask): Promise<Blob> {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  canvas.getContext("2d")!.putImageData(new ImageData(mask.toFile(), mask.width, mask.height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
