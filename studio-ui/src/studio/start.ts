import { api, urls } from "./api.ts";
import { type App, type Screen, taskTitle } from "./app.ts";
import { button, chooseFiles, fill, h, setText } from "./dom.ts";
import { formatSize } from "./format.ts";
import { jobCard } from "./queue.ts";
import { setupHash } from "./route.ts";
import { newestFirst } from "./state.ts";
import type { Sample } from "./types.ts";
import { startWords as words } from "../words.ts";

const ACCEPT = "image/*,.tif,.tiff,.npy,.png,.jpg,.jpeg,.webp,.h5,.hdf5,.cfl,.hdr,.npz,.dcm";
const RECENT = 6;
const SHOWN = "noisy-cat";

/** Where everything begins: files, samples, and what was done last. */
export function startScreen(app: App): Screen {
  const choose = button(words.choose, () => void chooseFiles(ACCEPT, true).then(app.take), { class: "primary" });
  const drop = h(
    "section",
    { class: "drop", "aria-label": words.yours },
    h("h2", {}, words.drop),
    h("p", { class: "hint" }, words.formats),
    choose,
  );

  const samples = h("ul", { class: "cards samples", "aria-busy": "true" });
  const sampleCard = (sample: Sample): HTMLElement => {
    const pick = async (): Promise<void> => {
      if (card.getAttribute("aria-busy") === "true") return; // a double click is one
      card.setAttribute("aria-busy", "true");
      try {
        const picture = await api.pickSample(sample.name);
        app.go(setupHash([picture.id], { task: sample.task }));
      } catch (error) {
        app.complain(error);
        card.removeAttribute("aria-busy");
      }
    };
    const task = h("span", { class: "hint" }, "\u00a0");
    void app.loaded.then(() => setText(task, taskTitle(app, sample.task)), () => {});
    const card = h(
      "button",
      { type: "button", class: "card", onclick: () => void pick() },
      h("img", { src: urls.sample(sample.name), alt: "", loading: "lazy" }),
      h("strong", {}, sample.title),
      task,
      h("span", { class: "hint" }, formatSize(sample.width, sample.height)),
    );
    return h("li", {}, card);
  };
  void app.samples.then((all) => {
    fill(samples, ...all.map(sampleCard));
    samples.removeAttribute("aria-busy");
  }, () => {});
  void app.loaded.then(() => {
    recent.dataset["key"] = "";
    update();
  }, () => {});

  const recent = h("ul", { class: "cards" });
  const recentSection = h("section", {}, h("h2", {}, words.recent), recent);
  const update = (): void => {
    const jobs = newestFirst(app.store.state).slice(0, RECENT);
    recentSection.hidden = jobs.length === 0;
    const key = jobs.map((job) => `${job.id}${job.status}`).join();
    if (recent.dataset["key"] === key) return;
    recent.dataset["key"] = key;
    fill(recent, ...jobs.map((job) => h("li", {}, jobCard(app, job))));
  };
  update();

  const element = h(
    "div",
    { class: "start" },
    h("h1", {}, words.title),
    h("p", { class: "lead" }, words.lead),
    h("div", { class: "start-columns" }, beforeAndAfter(), drop),
    h("section", {}, h("h2", {}, words.samples), samples),
    recentSection,
  );
  return { title: "", element, destroy: app.store.subscribe(update) };
}

/** A sample as it was and what came of it, with an edge to drag. */
function beforeAndAfter(): HTMLElement {
  const edge = h("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": words.edge });
  const pictures = h("div", { class: "hero-pictures" },
    h("img", { src: urls.restoredSample(SHOWN), alt: words.after }),
    h("img", { src: urls.sample(SHOWN), alt: words.before, class: "hero-before" }),
    h("span", { class: "hero-tag" }, words.before),
    h("span", { class: "hero-tag hero-after" }, words.after),
    edge);
  const move = (): void => pictures.style.setProperty("--edge", `${edge.value}%`);
  edge.addEventListener("input", move);
  move();
  return h("figure", { class: "hero" }, pictures, h("figcaption", { class: "hint" }, words.shown));
}
