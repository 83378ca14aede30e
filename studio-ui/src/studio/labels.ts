/** What tells the jobs of one picture from each other: only that in which they differ. */

import type { Job, Task } from "./types.ts";
import { jobWords as words, pageWords } from "../words.ts";

/** A name for each job, by its id; `tasks` knows the options' own names. */
export function labelsOf(jobs: Job[], tasks: Task[]): Map<string, string> {
  const all = jobs.map((job) => factsOf(job, tasks));
  const names = [...new Set(all.flatMap((facts) => [...facts.keys()]))];
  const differing = names.filter((name) => new Set(all.map((facts) => facts.get(name) ?? "")).size > 1);
  const texts = all.map((facts) => differing.flatMap((name) => facts.get(name) ?? []).join(", ") || words.asRecipe);
  return new Map(jobs.map((job, index) => {
    const text = texts[index]!;
    const alone = texts.filter((other) => other === text).length === 1;
    return [job.id, alone ? text : words.labelAt(text, time(job.created))];
  }));
}

function factsOf(job: Job, tasks: Task[]): Map<string, string> {
  const task = tasks.find(({ name }) => name === job.task);
  const facts = new Map([["task", task?.title ?? job.task], ["recipe", recipeName(job, task)]]);
  for (const [name, value] of Object.entries(job.options)) {
    const form = task?.options.find((option) => option.name === name);
    const label = form?.label ?? name;
    if (typeof value === "boolean") facts.set(`option ${name}`, value ? label : "");
    else if (value !== null) facts.set(`option ${name}`, words.value(label, String(value)));
    else if (form?.name === "sigma") facts.set(`option ${name}`, words.estimated(label));
  }
  for (const [name, value] of Object.entries(job.settings)) facts.set(`setting ${name}`, words.value(name, String(value)));
  facts.set("seed", words.seed(job.seed));
  if (job.more_steps !== null) facts.set("more", words.moreSteps(job.more_steps));
  if (job.taken_step !== null && job.taken_step !== job.kept_step) facts.set("taken", words.atStep(job.taken_step));
  return facts;
}

function recipeName(job: Job, task: Task | undefined): string {
  if (job.recipe === "fast" || job.recipe === "best") return job.recipe === "fast" ? pageWords.fast : pageWords.best;
  return task?.recipes.find(({ name }) => name === job.recipe)?.title ?? job.recipe;
}

function time(created: string): string {
  const at = new Date(created);
  return Number.isNaN(at.getTime()) ? created : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
