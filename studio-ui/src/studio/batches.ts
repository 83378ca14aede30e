import { api, urls } from "./api.ts";
import type { App, Screen } from "./app.ts";
import { fill, h, setText } from "./dom.ts";
import { formatSeconds } from "./format.ts";
import type { Batch, BatchResult } from "./types.ts";
import { batchWords as words } from "../words.ts";

/** How long, in milliseconds, between two looks; a page that is not seen does not look. */
const EVERY = 3000;

/** The batches that this studio knows of: how far they are, what was set aside and why, what they made lately. */
export function batchesScreen(app: App): Screen {
  const list = h("ol", { class: "batches" });
  const empty = h("p", { class: "empty", hidden: true }, words.none);
  const cards = new Map<string, Card>();
  let timer = 0;
  let closed = false;

  async function look(): Promise<void> {
    if (!document.hidden) {
      try {
        const batches = await api.batches();
        if (closed) return;
        show(batches);
      } catch (error) {
        if (!closed && cards.size === 0) app.complain(error); // else the banner says that the studio is gone
      }
    }
    if (!closed) timer = window.setTimeout(() => void look(), EVERY);
  }

  function show(batches: Batch[]): void {
    empty.hidden = batches.length > 0;
    const ids = new Set(batches.map(({ id }) => id));
    for (const [id, card] of cards) {
      if (!ids.has(id)) {
        card.element.remove();
        cards.delete(id);
      }
    }
    batches.forEach((batch, index) => {
      const card = cards.get(batch.id) ?? batchCard(batch);
      cards.set(batch.id, card);
      card.update(batch);
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
    });
  }

  const seen = (): void => {
    if (document.hidden || closed) return;
    clearTimeout(timer);
    void look();
  };
  document.addEventListener("visibilitychange", seen);
  void look();
  return {
    title: words.title,
    element: h("div", { class: "narrow" }, h("h1", {}, words.title), h("p", { class: "hint" }, words.lead), empty, list),
    destroy: () => {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

interface Card {
  element: HTMLElement;
  update(batch: Batch): void;
}

function batchCard(first: Batch): Card {
  const bar = h("progress", { max: "1", "aria-label": words.progress(first.name) });
  const counts = h("p", { class: "batch-counts", "aria-live": "polite" });
  const numbers = h("dl", { class: "numbers" });
  const problem = h("p", { class: "problem" });
  const reasons = h("details", { class: "batch-reasons" });
  const latest = h("ul", { class: "batch-latest", "aria-label": words.latest });
  const dashboard = h("a", { target: "_blank", rel: "noopener noreferrer" }, words.dashboard);
  const element = h("li", {},
    h("header", {}, h("h2", {}, first.name), h("span", { class: "hint" }, first.folder), dashboard),
    problem, bar, counts, numbers, reasons, latest);
  let drawn = "";
  const update = (batch: Batch): void => {
    const now = JSON.stringify(batch);
    if (now === drawn) return;
    drawn = now;
    setText(problem, batch.error ?? "");
    const ended = batch.done + batch.refused + batch.failed;
    bar.hidden = batch.total === null;
    bar.value = batch.total ? ended / batch.total : 0;
    setText(counts, batch.error === null ? words.counts(batch) : "");
    fill(numbers, ...facts(batch).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    dashboard.hidden = batch.dashboard === "";
    dashboard.href = batch.dashboard || "#";
    const aside = Object.entries(batch.reasons);
    reasons.hidden = aside.length === 0;
    const open = reasons.open;
    fill(reasons, h("summary", {}, words.setAside(batch.refused + batch.failed)),
      h("table", {}, h("tbody", {}, ...aside.map(([reason, number]) => h("tr", {}, h("td", { class: "number" }, String(number)), h("td", {}, reason))))));
    reasons.open = open;
    latest.hidden = batch.latest.length === 0;
    fill(latest, ...batch.latest.map((result) => h("li", {}, figure(batch, result))));
  };
  return { element, update };
}

function facts(batch: Batch): [string, string][] {
  if (batch.error !== null) return [];
  const all: [string, string][] = [];
  if (batch.rate_per_second !== null) all.push([words.rate, words.perMinute(60 * batch.rate_per_second)]);
  if (batch.left !== 0 && batch.seconds_left !== null) all.push([words.left, words.about(formatSeconds(batch.seconds_left))]);
  if (batch.worker_seconds > 0) all.push([words.workers, formatSeconds(batch.worker_seconds)]);
  if (batch.updated !== null) all.push([words.updated, new Date(batch.updated).toLocaleString()]);
  return all;
}

function figure(batch: Batch, { key, name, seconds, gain }: BatchResult): HTMLElement {
  const image = h("img", { src: urls.batchThumbnail(batch.id, key), alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.classList.add("missing"), { once: true });
  const numbers = [gain === null ? "" : words.gain(gain), seconds === null ? "" : formatSeconds(seconds)].filter((text) => text !== "");
  return h("figure", {}, image, h("figcaption", {}, h("span", { title: name }, name), h("span", { class: "hint" }, numbers.join(" · "))));
}
