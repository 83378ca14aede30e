import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyForm, formOfJob, optionProblem, problemOf, toRequest } from "../../src/studio/form.ts";
import type { Job, Task, TaskOption } from "../../src/studio/types.ts";

const option = (changes: Partial<TaskOption>): TaskOption => ({
  name: "factor", kind: "integer", default: 4, min: 2, max: 16, choices: [], label: "Factor", help: "", required: false, ...changes,
});

const task: Task = {
  name: "upscale",
  title: "Enlarge",
  takes: "picture",
  description: "",
  files: [{ name: "guide", label: "Guide", help: "", required: true, accepts: "" }],
  options: [
    option({}),
    option({ name: "sigma", kind: "number", default: null, min: 0, max: null }),
    option({ name: "units", kind: "boolean", default: false }),
  ],
  recipes: ["fast", "paper"].map((name) => ({
    name, title: name, description: "", cites: "",
    settings: [{ name: "max_steps", value: "900", help: "" }, { name: "lr", value: "0.01", help: "" }],
  })),
};
const yes = (): boolean => true;

test("an untouched form asks for the first recipe with the defaults and changes no setting", () => {
  assert.deepEqual(toRequest(emptyForm(task), task, "p1"), {
    task: "upscale", picture: "p1", files: {}, options: { factor: 4, sigma: null, units: false },
    recipe: "fast", settings: {}, seed: 0, truth: null,
  });
});

test("only settings that differ from the recipe are sent", () => {
  const form = { ...emptyForm(task, "paper"), settings: { max_steps: " 50 ", lr: "0.01" }, seed: "7" };
  const request = toRequest(form, task, "p", { mask: "m" });
  assert.deepEqual(request.settings, { max_steps: "50" });
  assert.deepEqual([request.recipe, request.seed, request.files], ["paper", 7, { mask: "m" }]);
});

test("what cannot be sent says got, wanted", () => {
  assert.match(problemOf(emptyForm(task), task, () => false)!, /Guide: there is none/);
  assert.equal(problemOf(emptyForm(task), task, yes), null);
  assert.match(optionProblem(option({}), "2.5")!, /got 2.5; wanted a whole number/);
  assert.match(optionProblem(option({}), "1")!, /wanted 2 or more/);
  assert.match(optionProblem(option({}), "17")!, /wanted 16 or less/);
  assert.match(optionProblem(option({ kind: "number" }), "x")!, /got x; wanted a number/);
  assert.match(optionProblem(option({ kind: "number" }), "1,000.5")!, /wanted a number/);
  assert.equal(optionProblem(option({ kind: "number", min: 0, max: 1 }), "0,5"), null);
  assert.match(optionProblem(option({ kind: "choice", choices: ["a", "b"] }), "c")!, /one of a, b/);
  assert.equal(optionProblem(option({ default: null }), ""), null);
  assert.match(problemOf({ ...emptyForm(task), seed: "-1" }, task, yes)!, /Seed: got -1/);
});

test("the form of an earlier job asks for the same job again", () => {
  const request = {
    task: "upscale", picture: "p", files: { guide: "g" }, options: { factor: 2, sigma: 12.5, units: true },
    recipe: "paper", settings: { max_steps: "50" }, seed: 3, truth: "t",
  };
  const again = toRequest(formOfJob(task, request as unknown as Job), task, "p");
  assert.deepEqual(again, request);
});
