import type { Job, JobRequest, OptionValue, Recipe, Task, TaskOption } from "./types.ts";
import { setupWords as words } from "../words.ts";

/** What the form of a task holds: text as typed, so that half a number is not lost. */
export interface FormState {
  task: string;
  recipe: string;
  options: Record<string, string | boolean>;
  settings: Record<string, string>;
  files: Record<string, string>;
  seed: string;
  truth: string | null;
}

export function emptyForm(task: Task, recipe?: string): FormState {
  const options: FormState["options"] = {};
  for (const option of task.options) options[option.name] = asTyped(option);
  const chosen = task.recipes.find((r) => r.name === recipe) ?? task.recipes[0];
  return { task: task.name, recipe: chosen?.name ?? "", options, settings: {}, files: {}, seed: "0", truth: null };
}

/** The form that an earlier job was started with. */
export function formOfJob(task: Task, job: Job): FormState {
  const form = emptyForm(task, job.recipe);
  for (const option of task.options) {
    const value = job.options[option.name];
    if (value !== undefined) form.options[option.name] = typeof value === "boolean" ? value : value === null ? "" : String(value);
  }
  for (const [name, value] of Object.entries(job.settings)) form.settings[name] = value === null ? "none" : String(value);
  return { ...form, files: { ...job.files }, seed: String(job.seed), truth: job.truth };
}

function asTyped(option: TaskOption): string | boolean {
  if (option.kind === "boolean") return option.default === true;
  return option.default == null ? "" : String(option.default);
}

/** Why the form cannot be sent; null = it can. */
export function problemOf(form: FormState, task: Task, hasFile: (name: string) => boolean): string | null {
  for (const file of task.files) {
    if (file.required && !hasFile(file.name)) return words.noFile(file.label);
  }
  for (const option of task.options) {
    const wrong = optionProblem(option, form.options[option.name]);
    if (wrong !== null) return words.wrong(option.label, wrong);
  }
  if (!/^\d+$/.test(form.seed.trim())) return words.wrongSeed(form.seed);
  return null;
}

/** Why a typed value is not one of the option; null = it is. */
export function optionProblem(option: TaskOption, typed: string | boolean | undefined): string | null {
  if (typeof typed === "boolean" || option.kind === "boolean") return null;
  const text = (typed ?? "").trim();
  if (text === "") return option.required ? words.missing : null;
  if (option.kind === "choice") {
    return !option.choices.includes(text) ? words.notOneOf(text, option.choices) : null;
  }
  if (option.kind === "text") return null;
  const number = numberOf(text);
  if (!Number.isFinite(number)) return words.noNumber(text);
  if (option.kind === "integer" && !Number.isInteger(number)) return words.noWhole(text);
  if (option.min !== null && number < option.min) return words.tooSmall(text, option.min);
  if (option.max !== null && number > option.max) return words.tooLarge(text, option.max);
  return null;
}

/** The request of one picture: only what differs from the recipe goes into `settings`. */
export function toRequest(form: FormState, task: Task, picture: string, files: Record<string, string> = {}): JobRequest {
  const options: JobRequest["options"] = {};
  for (const option of task.options) options[option.name] = optionValue(option, form.options[option.name]);
  const recipe = task.recipes.find((r) => r.name === form.recipe);
  return {
    task: task.name,
    picture,
    files: { ...form.files, ...files },
    options,
    recipe: form.recipe,
    settings: changedSettings(form, recipe),
    seed: Number.parseInt(form.seed, 10) || 0,
    truth: form.truth,
  };
}

function changedSettings(form: FormState, recipe: Recipe | undefined): Record<string, string> {
  const changed: Record<string, string> = {};
  for (const setting of recipe?.settings ?? []) {
    const typed = form.settings[setting.name]?.trim();
    if (typed !== undefined && typed !== "" && typed !== setting.value) changed[setting.name] = typed;
  }
  return changed;
}

function optionValue(option: TaskOption, typed: string | boolean | undefined): OptionValue {
  if (option.kind === "boolean") return typed === true;
  const text = typeof typed === "string" ? typed.trim() : "";
  if (text === "") return null;
  return option.kind === "number" || option.kind === "integer" ? numberOf(text) : text;
}

/** A number as typed, with a decimal point or comma; NaN of what is none. */
function numberOf(text: string): number {
  return Number(/^[^.,]*,[^.,]*$/.test(text) ? text.replace(",", ".") : text);
}
