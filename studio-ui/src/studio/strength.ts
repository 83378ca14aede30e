import { api } from "./api.ts";
import type { App } from "./app.ts";
import { h, setText } from "./dom.ts";
import { isActive } from "./state.ts";
import type { Job } from "./types.ts";
import { jobWords as words, unitWords as units } from "../words.ts";

/** How much of the noise is taken away of a result; written anew at every move, without a fit. */
export interface Strength {
  element: HTMLElement;
  update(job: Job): void;
}

/** `moved` is told at once, `written` when the result is the new one. */
export function strengthSliders(app: App, moved: () => void, written: () => void): Strength {
  const strength = slider(words.strength);
  const colours = slider(words.colours);
  const element = h("div", { class: "strength", role: "group", "aria-label": words.strengths }, strength.element, colours.element);
  let id = "";
  let separate = false;
  let wanted: { strength: number; colour_strength: number | null } | null = null;
  let sending = false;

  async function send(): Promise<void> {
    if (sending) return; // the newest is sent when the one before is written
    sending = true;
    try {
      while (wanted !== null) {
        const now = wanted;
        wanted = null;
        app.store.dispatch({ type: "job", job: await api.strength(id, now.strength, now.colour_strength) });
        written();
      }
    } catch (error) {
      app.complain(error);
    } finally {
      sending = false;
    }
  }
  const change = (): void => {
    if (!separate) colours.set(strength.value());
    strength.tell();
    colours.tell();
    wanted = { strength: strength.value(), colour_strength: separate ? colours.value() : null };
    moved();
    void send();
  };
  strength.input.oninput = change;
  colours.input.oninput = () => {
    separate = true;
    change();
  };

  let asked = "";
  const update = (job: Job): void => {
    const has = app.tasks.find((task) => task.name === job.task)?.options.some(({ name }) => name === "strength") ?? false;
    element.hidden = !has || isActive(job) || job.kept_step === null;
    if (element.hidden) return;
    id = job.id;
    if (asked !== job.picture) {
      asked = job.picture;
      colours.element.hidden = true;
      api.picture(job.picture).then(({ channels }) => (colours.element.hidden = channels < 3), () => {});
    }
    if (sending || wanted !== null) return; // the hand is further on than the server
    const whole = typeof job.options["strength"] === "number" ? job.options["strength"] : 1;
    const own = job.options["colour_strength"];
    separate = typeof own === "number";
    strength.set(whole);
    colours.set(typeof own === "number" ? own : whole);
  };
  return { element, update };
}

function slider(name: string): { element: HTMLElement; input: HTMLInputElement; value(): number; set(value: number): void; tell(): void } {
  const input = h("input", { type: "range", min: "0", max: "100", step: "1" });
  const output = h("output");
  const tell = (): void => {
    setText(output, units.percent(input.value));
    input.setAttribute("aria-valuetext", units.percent(input.value));
  };
  const set = (value: number): void => {
    input.value = String(Math.round(100 * value));
    tell();
  };
  return { element: h("label", {}, name, input, output), input, value: () => Number(input.value) / 100, set, tell };
}
