import type { ViewRun } from "../model.ts";
import type { About, Batch, Job, JobRequest, Picture, Plan, Sample, Task, UploadKind } from "./types.ts";
import { pageWords } from "../words.ts";

/** What the server refused, in its own one line; status 0 = it did not answer. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const request: RequestInit = { method, signal: signal ?? null };
  if (body instanceof FormData) request.body = body;
  else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(`/api${path}`, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(pageWords.silent, 0);
  }
  if (!response.ok) throw new ApiError(await refusal(response), response.status);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function refusal(response: Response): Promise<string> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    return typeof detail === "string" ? detail : fallback;
  } catch {
    return fallback;
  }
}

const id = encodeURIComponent;

function formOf(file: Blob, name: string): FormData {
  const form = new FormData();
  form.append("file", file, name);
  return form;
}

export const api = {
  about: () => call<About>("GET", "/about"),
  tasks: () => call<Task[]>("GET", "/tasks"),
  samples: () => call<Sample[]>("GET", "/samples"),
  picture: (picture: string) => call<Picture>("GET", `/pictures/${id(picture)}`),
  removePicture: (picture: string) => call<unknown>("DELETE", `/pictures/${id(picture)}`),
  /** `header` is the .hdr of a .cfl. */
  uploadPicture(file: Blob, name: string, kind: UploadKind = "picture", header: File | null = null): Promise<Picture> {
    const form = formOf(file, name);
    if (header !== null) form.append("header", header, header.name);
    return call<Picture>("POST", kind === "picture" ? "/pictures" : `/pictures?kind=${kind}`, form);
  },
  /** Upload a mask that was painted over a picture as it is shown. */
  uploadMask: (file: Blob, name: string, over: string) =>
    call<Picture>("POST", `/pictures?over=${id(over)}`, formOf(file, name)),
  /** What a mask file says over a picture, white = known, and how it was read. */
  async readMask(file: File, over: string): Promise<{ mask: Blob; notes: string }> {
    const response = await fetch(`/api/pictures/${id(over)}/mask`, { method: "POST", body: formOf(file, file.name) });
    if (!response.ok) throw new ApiError(await refusal(response), response.status);
    return { mask: await response.blob(), notes: response.headers.get("X-Notes") ?? "" };
  },
  pickSample: (name: string) => call<Picture>("POST", "/pictures/sample", { name }),
  plan: (request: JobRequest, signal: AbortSignal) => call<Plan>("POST", "/plan", request, signal),
  batches: () => call<Batch[]>("GET", "/batches"),
  jobs: () => call<Job[]>("GET", "/jobs"),
  start: (request: JobRequest) => call<Job>("POST", "/jobs", request),
  view: (job: string, page: number) => call<ViewRun>("GET", `/jobs/${id(job)}/view?page=${page}`),
  stop: (job: string) => call<Job>("POST", `/jobs/${id(job)}/stop`),
  resume: (job: string) => call<Job>("POST", `/jobs/${id(job)}/resume`),
  extend: (job: string, steps: number) => call<Job>("POST", `/jobs/${id(job)}/extend`, { steps }),
  take: (job: string, step: number) => call<unknown>("POST", `/jobs/${id(job)}/take`, { step }),
  strength: (job: string, strength: number, colour_strength: number | null) =>
    call<Job>("POST", `/jobs/${id(job)}/strength`, { strength, colour_strength }),
  toFront: (job: string) => call<Job>("POST", `/jobs/${id(job)}/front`),
  asPicture: (job: string) => call<Picture>("POST", `/jobs/${id(job)}/as-picture`),
  removeAll: (ids: string[]) => call<unknown>("POST", "/jobs/delete", { ids }),
  remove: (job: string) => call<unknown>("DELETE", `/jobs/${id(job)}`),
};

export const urls = {
  events: "/api/events",
  sample: (name: string) => `/api/samples/${id(name)}/image.png`,
  restoredSample: (name: string) => `/api/samples/${id(name)}/restored.webp`,
  picture: (picture: string, page = 1) => `/api/pictures/${id(picture)}/image.png?page=${page}`,
  /** For the screen: of a large picture a smaller look, of others every pixel. */
  shown: ({ id: picture, width, height }: Picture) => (width * height > 2e6 ? urls.preview(picture) : urls.picture(picture)),
  preview: (picture: string) => `/api/pictures/${id(picture)}/preview.webp`,
  thumbnail: (picture: string) => `/api/pictures/${id(picture)}/thumbnail.webp`,
  resultThumbnail: (job: string, revision: number) => `/api/jobs/${id(job)}/thumbnail.webp?v=${revision}`,
  result: (job: string) => `/api/jobs/${id(job)}/result`,
  eightBits: (job: string, page: number) => `/api/jobs/${id(job)}/result-8-bit.png?page=${page}`,
  results: (jobs: string[], pattern: string) => `/api/results.zip?ids=${jobs.join(",")}&pattern=${encodeURIComponent(pattern)}`,
  batchThumbnail: (batch: string, key: string) => `/api/batches/${id(batch)}/thumbnail.webp?key=${id(key)}`,
  report: (job: string) => `/api/jobs/${id(job)}/report.html`,
};
