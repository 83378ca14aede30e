import { api } from "./api.ts";
import { messageOf } from "./state.ts";
import type { Picture, UploadKind } from "./types.ts";
import { pageWords as words } from "../words.ts";

/** Upload files one after the other; those that are refused are told of, the others go on. */
export async function uploadAll(
  files: File[],
  tell: (text: string) => void,
  kind: UploadKind = "picture",
): Promise<{ pictures: Picture[]; refusals: string[] }> {
  const pictures: Picture[] = [];
  const refusals: string[] = [];
  const headers = new Map(files.filter(({ name }) => /\.hdr$/i.test(name)).map((file) => [stem(file), file]));
  const whole = files.filter((file) => !(/\.hdr$/i.test(file.name) && files.some((other) => other !== file && stem(other) === stem(file))));
  for (const [index, file] of whole.entries()) {
    tell(whole.length === 1 ? words.reading(file.name) : words.readingOf(index + 1, whole.length, file.name));
    try {
      pictures.push(await api.uploadPicture(file, file.name, kind, /\.cfl$/i.test(file.name) ? (headers.get(stem(file)) ?? null) : null));
    } catch (error) {
      const message = messageOf(error);
      refusals.push(message.includes(file.name) ? message : words.refused(file.name, message));
    }
  }
  tell("");
  return { pictures, refusals };
}

/** BART's .cfl and .hdr are one scan. */
function stem(file: File): string {
  return file.name.replace(/\.(cfl|hdr)$/i, "");
}

/** Let files be dropped on an element. */
export function acceptDrops(target: HTMLElement, onFiles: (files: File[]) => void): void {
  let depth = 0;
  const mark = (): void => void target.classList.toggle("dropping", depth > 0);
  target.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    mark();
  });
  target.addEventListener("dragleave", () => {
    depth -= 1;
    mark();
  });
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation(); // the innermost place takes them
    depth = 0;
    mark();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) onFiles(files);
  });
}

/** Let pictures be pasted on the page, but where a text is typed. */
export function acceptPastes(onFiles: (files: File[]) => void): void {
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
}
