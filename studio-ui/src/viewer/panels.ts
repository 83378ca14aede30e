/** What is known of a run in words: why it stopped, facts, notes, settings, and what reproduces it. */

import type { ViewRun } from "../model.ts";
import { h } from "../dom.ts";
import { capital, keptText } from "./format.ts";
import type { Part } from "./part.ts";
import type { State } from "./state.ts";
import { viewerWords as words } from "../words.ts";

/** Facts for those who reproduce the run. */
const TECHNICAL = ["seed", "started", "versions", "machine", "device", "input sha256"];

/** Put a text on the clipboard; true where it got there. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the clipboard's permission: the old way, by a selection.
    const field = h("textarea", { class: "visually-hidden", "aria-hidden": "true", readonly: true });
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

export class Panels implements Part {
  /** What happened: beside the picture. */
  readonly element = h("div", { class: "panels" });
  /** What was set, and how to do it again: under it. */
  readonly details = h("div", { class: "panels viewer-details" });
  private readonly say: (text: string) => void;
  private readonly summary = h("section", { class: "panel summary", "aria-label": words.ended });
  private readonly facts = h("dl", { class: "facts" });
  private readonly technical = h("dl", { class: "facts" });
  private readonly technicalPanel = h("details", {}, h("summary", {}, words.details), this.technical);
  private readonly factsPanel = h("section", { class: "panel" }, h("h2", {}, words.facts), this.facts, this.technicalPanel);
  private readonly notes = h("ul", { class: "notes" });
  private readonly notesPanel = h("section", { class: "panel" }, h("h2", {}, words.notes), this.notes);
  private readonly settings = h("tbody");
  private readonly settingsTitle = h("summary");
  private readonly settingsPanel = h(
    "details",
    { class: "panel" },
    this.settingsTitle,
    h(
      "div",
      { class: "table-scroll" },
      h("table", { class: "settings" }, h("caption", { class: "visually-hidden" }, words.settings), this.settings),
    ),
  );
  private readonly command = h("pre");
  private readonly python = h("pre");
  private readonly codePanel: HTMLElement;
  private run: ViewRun | null = null;
  private written = "";

  constructor(say: (text: string) => void) {
    this.say = say;
    this.codePanel = h(
      "details",
      { class: "panel" },
      h("summary", {}, words.again),
      this.code(words.command, words.copyCommand, this.command),
      this.code(words.python, words.copyPython, this.python),
    );
    this.element.append(this.summary, this.factsPanel, this.notesPanel);
    this.details.append(this.settingsPanel, this.codePanel);
  }

  update(_state: State, run: ViewRun): void {
    if (run === this.run) return;
    this.run = run;
    const { status, stop, peak, facts, settings, notes, command, python, recipe, title } = run;
    const text = JSON.stringify([title, status, stop, peak, facts, settings, notes, command, python, recipe]);
    if (text === this.written) return;
    this.written = text;
    this.summary.replaceChildren(...this.summarise(run));
    const rows = (some: ViewRun["facts"]): HTMLElement[] =>
      some.flatMap(({ label, value }) => [h("dt", {}, capital(label)), h("dd", {}, value)]);
    this.facts.replaceChildren(...rows(facts.filter(({ label }) => !TECHNICAL.includes(label))));
    const technical = facts.filter(({ label }) => TECHNICAL.includes(label));
    this.technical.replaceChildren(...rows(technical));
    this.technicalPanel.hidden = technical.length === 0;
    this.factsPanel.hidden = facts.length === 0;
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
    this.notesPanel.hidden = notes.length === 0;
    this.settingsTitle.textContent = words.settingsOf(settings.length, recipe);
    this.settings.replaceChildren(
      ...settings.map(({ name, value, help }) =>
        h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), h("td", {}, h("code", {}, value)), h("td", {}, help)),
      ),
    );
    this.settingsPanel.hidden = settings.length === 0;
    this.command.textContent = command;
    this.python.textContent = python;
    this.codePanel.hidden = command === "" && python === "";
  }

  private summarise(run: ViewRun): Node[] {
    const { stop, peak } = run;
    const lines: Node[] = [h("h2", {}, run.title), h("p", { class: "status", "data-status": run.status }, [words.status[run.status], run.task, run.recipe].join(" · "))];
    if (stop !== null) {
      lines.push(h("p", {}, words.stopped(stop.step, stop.advice === "" ? stop.reason.replaceAll("_", " ") : stop.advice)));
      lines.push(h("p", {}, `${keptText(stop)}.`));
    }
    if (peak !== null) {
      lines.push(h("p", {}, words.peakAt(peak.psnr.toFixed(2), peak.step)));
    }
    return lines;
  }

  private code(title: string, label: string, code: HTMLElement): HTMLElement {
    const copy = h("button", { type: "button" }, label);
    copy.addEventListener("click", () => {
      void copyText(code.textContent ?? "").then((done) => {
        this.say(done ? words.copiedWhat(title) : words.byHandWhat(title));
        copy.textContent = done ? words.copied : words.byHand;
        window.setTimeout(() => (copy.textContent = label), 1500);
      });
    });
    return h("div", { class: "code" }, h("div", { class: "code-head" }, h("h3", {}, title), copy), code);
  }
}
