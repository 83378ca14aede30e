/** What was typed and painted, kept by the tab so that a reload loses nothing. */

import type { FormState } from "./form.ts";
import { Mask } from "./mask.ts";
import type { Picture } from "./types.ts";

function write(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(`untrained ${key}`, JSON.stringify(value));
  } catch {
    // There is no room, or the browser keeps nothing: a reload begins anew.
  }
}

function read<T>(key: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(`untrained ${key}`) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** What a form is of: its task, its pictures, and the job that it began with. */
const nameOf = (task: string, pictures: Picture[], from: string): string => `form ${task} ${pictures.map(({ id }) => id).join(",")} ${from}`;

export function keepForm(form: FormState, pictures: Picture[], from: string): void {
  write(nameOf(form.task, pictures, from), form);
}

/** The form as it was left; `empty` is what a new one would be. */
export function keptForm(empty: FormState, pictures: Picture[], from: string): FormState {
  return { ...empty, ...read<Partial<FormState>>(nameOf(empty.task, pictures, from)) };
}

export function keepMask(picture: Picture, mask: Mask): void {
  write(`mask ${picture.id}`, mask.runs());
}

export function keptMask(picture: Picture): Mask | null {
  const runs = read<number[]>(`mask ${picture.id}`);
  if (!Array.isArray(runs)) return null;
  const mask = new Mask(picture.width, picture.height);
  return mask.paintRuns(runs) ? mask : null;
}
