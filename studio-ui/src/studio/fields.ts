import { button, fill, h, setText } from "./dom.ts";
import { label } from "./format.ts";
import { type FormState, optionProblem } from "./form.ts";
import type { Picture, Recipe, Task, TaskFile, TaskOption, UploadKind } from "./types.ts";
import { pageWords, setupWords as words } from "../words.ts";

/** Of what we recommend: the others are as their papers have them. */
const OWN = ["fast", "best"];

interface Given {
  task: Task;
  form: FormState;
  /** The mask is painted, so no file is asked for it. */
  painted: boolean;
  changed(): void;
  /** Ask for a file and upload it; null = none came of it. */
  upload(accept: string, kind: UploadKind): Promise<Picture | null>;
}

/** The controls of a task: its files, its options, its recipes and all of their settings. */
export function taskFields(given: Given): HTMLElement {
  const { task, form, changed } = given;
  const settings = h("div", { class: "setting-list" });
  const showSettings = (): void => {
    const recipe = task.recipes.find((r) => r.name === form.recipe);
    fill(settings, ...(recipe ? settingFields(recipe, form, changed) : []));
  };
  showSettings();
  const files = task.files.filter((file) => !(given.painted && file.name === "mask"));
  const options = task.options.filter((option) => !(given.painted && option.name === "mask_invert"));
  return h(
    "div",
    {},
    ...files.map((file) => fileField(file, given)),
    ...options.map((option) => optionField(option, form, changed)),
    recipeField(task, form, () => {
      form.settings = {}; // they were changes of the other recipe
      showSettings();
      changed();
    }),
    h("details", { class: "settings-box" }, h("summary", {}, words.everySetting), settings),
    h("details", {}, h("summary", {}, words.seedAndScoring), seedField(form, changed), truthField(given)),
  );
}

function fileField(file: TaskFile, { task, form, changed, upload }: Given): HTMLElement {
  const name = h("span", { class: "hint" }, form.files[file.name] ? words.given : words.noneYet);
  const choose = button(words.choose, () => {
    void upload(file.accepts, task.takes === "scan" ? "scan" : file.name === "kernel" ? "kernel" : "picture").then((picture) => {
      if (!picture) return;
      form.files[file.name] = picture.id;
      setText(name, picture.name);
      changed();
    });
  }, { "aria-label": words.chooseWhat(file.label) });
  const label = file.required ? file.label : words.optional(file.label);
  return h("div", { class: "field" }, h("span", { class: "label" }, label), h("div", { class: "row" }, choose, name), hint(file.help));
}

function optionField(option: TaskOption, form: FormState, changed: () => void): HTMLElement {
  const id = `option-${option.name}`;
  const helpId = `${id}-help`;
  const typed = form.options[option.name];
  if (option.kind === "boolean") {
    const box = h("input", { type: "checkbox", id, "aria-describedby": helpId });
    box.checked = typed === true;
    box.onchange = () => {
      form.options[option.name] = box.checked;
      changed();
    };
    return h("div", { class: "field" }, h("label", { class: "check" }, box, option.label), hint(option.help, helpId));
  }
  const control =
    option.kind === "choice"
      ? h("select", { id, "aria-describedby": helpId }, ...(option.default === null ? ["", ...option.choices] : option.choices).map((choice) => h("option", { value: choice }, choice || words.asTheFile)))
      : h("input", {
          type: "text", id, "aria-describedby": helpId, autocomplete: "off",
          inputmode: option.kind === "integer" ? "numeric" : option.kind === "number" ? "decimal" : "text",
          placeholder: option.name === "sigma" ? words.estimated : "",
        });
  control.value = String(typed ?? "");
  control.oninput = () => {
    form.options[option.name] = control.value;
    control.setAttribute("aria-invalid", String(optionProblem(option, control.value) !== null));
    changed();
  };
  return h("div", { class: "field" }, h("label", { for: id }, option.label), control, hint(option.help, helpId));
}

function recipeField(task: Task, form: FormState, changed: () => void): HTMLElement {
  const about = hint("", "recipe-help");
  const own = task.recipes.filter((recipe) => OWN.includes(recipe.name));
  const published = task.recipes.filter((recipe) => !own.includes(recipe));
  const select = h("select", { id: "recipe", "aria-describedby": "recipe-help" },
    ...own.map((recipe) => h("option", { value: recipe.name }, recipe.name === "fast" ? pageWords.fast : recipe.name === "best" ? pageWords.best : label(recipe.name))),
    ...(published.length > 0 ? [h("optgroup", { label: words.published },
      ...published.map((recipe) => h("option", { value: recipe.name }, recipe.title)))] : []));
  select.value = form.recipe;
  const tell = (): void => {
    const recipe = task.recipes.find((r) => r.name === form.recipe);
    setText(about, sentence((OWN.includes(form.recipe) ? recipe?.title : recipe?.description) ?? ""));
  };
  select.onchange = () => {
    form.recipe = select.value;
    tell();
    changed();
  };
  tell();
  return h("div", { class: "field" }, h("label", { for: "recipe" }, words.recipe), select, about);
}

function settingFields(recipe: Recipe, form: FormState, changed: () => void): HTMLElement[] {
  return recipe.settings.map((setting) => {
    const id = `setting-${setting.name}`;
    const input = h("input", { type: "text", id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help` });
    input.value = form.settings[setting.name] ?? setting.value;
    const mark = (): void => void input.classList.toggle("changed", input.value.trim() !== setting.value);
    input.oninput = () => {
      form.settings[setting.name] = input.value;
      mark();
      changed();
    };
    mark();
    return h("div", { class: "setting" }, h("label", { for: id }, h("code", {}, setting.name)), input, hint(setting.help, `${id}-help`));
  });
}

function seedField(form: FormState, changed: () => void): HTMLElement {
  const input = h("input", { type: "text", id: "seed", inputmode: "numeric", autocomplete: "off" });
  input.value = form.seed;
  input.oninput = () => {
    form.seed = input.value;
    changed();
  };
  return h("div", { class: "field" }, h("label", { for: "seed" }, words.seed), input, hint(words.seedHelp));
}

function truthField({ task, form, changed, upload }: Given): HTMLElement {
  const name = h("span", { class: "hint" }, form.truth ? words.given : words.none);
  const choose = button(words.choose, () => {
    const scan = task.takes === "scan";
    void upload(scan ? ".npy,.npz,.tif,.tiff" : "image/*,.tif,.tiff", scan ? "scan" : "picture").then((picture) => {
      if (!picture) return;
      form.truth = picture.id;
      setText(name, picture.name);
      changed();
    });
  }, { "aria-label": words.chooseTruth });
  return h("div", { class: "field" }, h("span", { class: "label" }, words.truth), h("div", { class: "row" }, choose, name),
    hint(words.truthHelp));
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) || text === "" ? "" : ".");
}

function hint(text: string, id?: string): HTMLElement {
  return h("p", { class: "hint", id }, text);
}
