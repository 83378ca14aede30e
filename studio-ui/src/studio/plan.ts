import { ApiError, api } from "./api.ts";
import { fill, h } from "./dom.ts";
import { formatBetween, formatBytes, formatSize } from "./format.ts";
import type { JobRequest, Plan } from "./types.ts";
import { setupWords as words } from "../words.ts";

const WAIT_MS = 350;

/** Predicted time and memory of what the form says; asked again when it changes. */
export interface Estimate {
  element: HTMLElement;
  ask(request: JobRequest, pictures: number): void;
  clear(): void;
}

/** `judged` is told whether what was asked is refused; not before the answer is there. */
export function estimatePanel(judged: (refused: boolean) => void): Estimate {
  const element = h("div", { class: "estimate", "aria-live": "polite" });
  let timer = 0;
  let asked = "";
  let pending: AbortController | null = null;

  const clear = (): void => {
    clearTimeout(timer);
    pending?.abort();
    pending = null;
    asked = "";
    fill(element);
  };
  const ask = (request: JobRequest, pictures: number): void => {
    const key = JSON.stringify(request);
    if (key === asked) return;
    asked = key;
    clearTimeout(timer);
    pending?.abort();
    if (element.querySelector(".problem")) fill(element); // it may not be so any more
    judged(false);
    timer = window.setTimeout(async () => {
      const controller = (pending = new AbortController());
      element.setAttribute("aria-busy", "true");
      if (!element.hasChildNodes()) fill(element, h("p", { class: "hint" }, words.working));
      try {
        const plan = await api.plan(request, controller.signal);
        if (pending === controller) fill(element, planText(plan, pictures));
      } catch (error) {
        if (!(error instanceof ApiError)) return; // aborted: a newer question is on its way
        if (pending !== controller) return;
        fill(element, h("p", { class: "problem" }, error.message));
        judged(error.status === 422);
      } finally {
        if (pending === controller) element.removeAttribute("aria-busy");
      }
    }, WAIT_MS);
  };
  return { element, ask, clear };
}

function planText(plan: Plan, pictures: number): HTMLElement {
  return h(
    "dl",
    { class: "numbers" },
    fact(words.time, plan.between === null ? words.timeLater : words.timeAbout(formatBetween(...plan.between), pictures > 1)),
    fact(words.memory, formatBytes(plan.memory_bytes)),
    fact(words.steps, words.stepsAtMost(plan.max_steps)),
    fact(words.result, words.resultOf(formatSize(plan.width, plan.height), plan.tiles)),
    fact(words.device, words.deviceOf(plan.device, plan.precision)),
  );
}

function fact(name: string, value: string): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
