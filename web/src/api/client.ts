/** Every request the page makes, typed by the API's own document. */

import axios, { type AxiosProgressEvent } from "axios";

import { troubleOf } from "./errors";
import type {
  Bulk,
  BulkDone,
  FileFacts,
  FilePlan,
  Found,
  FrameTimes,
  Job,
  JobOptions,
  Kind,
  Measured,
  Model,
  Run,
  RunSummary,
  SessionState,
  Settings,
} from "./types";

/** Path below which a proxy shows the server; the server writes it into its page. */
export const ROOT =
  document.querySelector<HTMLMetaElement>('meta[name="crispen-root"]')?.content ?? "";
export const BASE = `${ROOT}/api/v1`;

const http = axios.create({ baseURL: BASE, timeout: 30_000 });

interface Listeners {
  signedOut: () => void;
  offline: () => void;
  online: () => void;
}

/** Notifies the page of what each request reveals about the server. */
export function listen({ signedOut, offline, online }: Listeners): void {
  http.interceptors.response.use(
    (response) => {
      online();
      return response;
    },
    (error: unknown) => {
      if (axios.isCancel(error)) throw error;
      if (troubleOf(error).offline) offline();
      else online();
      if (axios.isAxiosError(error) && error.response?.status === 401) signedOut();
      throw error;
    },
  );
}

const path = (id: string) => encodeURIComponent(id);
/** Runs can be in folders; their ids keep the slashes. */
const runPath = (id: string) => id.split("/").map(encodeURIComponent).join("/");

export const session = {
  get: async () => (await http.get<SessionState>("/session")).data,
  signIn: async (token: string) => {
    await http.post("/session", { token });
  },
  signOut: async () => {
    await http.delete("/session");
  },
};

export const getSettings = async () => (await http.get<Settings>("/settings")).data;

/** Whether the server answers at all. */
export async function ping(): Promise<void> {
  await http.get("/health", { timeout: 5000 });
}

const RAW = { "Content-Type": "application/octet-stream" };

/** What a file is and what is wrong with it; for a part of a file, what its header says. */
export async function look(file: Blob, name: string, part: boolean, signal?: AbortSignal) {
  const form = new FormData();
  form.append("file", file, name);
  const more = signal ? { signal } : {};
  return (await http.post<Found>("/look", form, { params: { part }, ...more })).data;
}

/** One picture enhanced at once, and how many seconds of work that was. */
export async function enhance(
  picture: Blob,
  params: URLSearchParams,
  signal: AbortSignal,
): Promise<{ result: Blob; seconds: number }> {
  const { data, headers } = await http.post<Blob>("/enhance", picture, {
    params,
    headers: RAW,
    responseType: "blob",
    timeout: 600_000,
    signal,
  });
  const milliseconds = /dur=([\d.]+)/.exec(String(headers["server-timing"]))?.[1];
  return { result: data, seconds: Number(milliseconds ?? 0) / 1000 };
}

export const jobs = {
  list: async () => (await http.get<{ jobs: Job[] }>("/jobs")).data.jobs,
  get: async (id: string) => (await http.get<Job>(`/jobs/${path(id)}`)).data,
  create: async (
    work: ({ upload: string } | { from_job: string }) & {
      name: string;
      folder?: string;
      options: Partial<JobOptions>;
    },
  ) => (await http.post<Job>("/jobs", work)).data,
  /** Fails if these options cannot be carried out, before a file is sent in vain. */
  check: async (
    kind: Kind,
    options: Partial<JobOptions>,
    files: FileFacts[] = [],
  ): Promise<FilePlan[]> =>
    (await http.post<{ files: FilePlan[] }>("/plan", { kind, options, files })).data.files,
  cancel: async (id: string) => (await http.post<Job>(`/jobs/${path(id)}/cancel`)).data,
  retry: async (id: string) => (await http.post<Job>(`/jobs/${path(id)}/retry`)).data,
  remove: async (id: string) => {
    await http.delete(`/jobs/${path(id)}`);
  },
  bulk: async (wish: Partial<Bulk> & Pick<Bulk, "action">) =>
    (await http.patch<BulkDone>("/jobs", wish, { timeout: 600_000 })).data,
  /** Decodes both pictures again, so it can be slow. */
  measure: async (id: string, reference: File) => {
    const form = new FormData();
    form.append("reference", reference);
    const address = `/jobs/${path(id)}/measure`;
    return (await http.post<Measured>(address, form, { timeout: 600_000 })).data;
  },
  /** Makes the preview of the result if there is none yet, so it can be slow. */
  frames: async (id: string) =>
    (await http.get<FrameTimes>(`/jobs/${path(id)}/frames`, { timeout: 600_000 })).data.times_s,
  /** A file that the server shows, or null where it cannot. */
  fetchFile: async (url: string, name: string): Promise<File | null> => {
    try {
      const { data } = await http.get<Blob>(url, {
        baseURL: "",
        responseType: "blob",
        timeout: 600_000,
      });
      return new File([data], name, { type: data.type });
    } catch {
      return null;
    }
  },
  resultUrl: (id: string) => `${BASE}/jobs/${path(id)}/result`,
  previewUrl: (id: string, side: "before" | "after") => `${BASE}/jobs/${path(id)}/preview/${side}`,
  thumbnailUrl: (id: string, side: "before" | "after") =>
    `${BASE}/jobs/${path(id)}/thumbnail/${side}`,
  /** Results as one archive; in folders if any of them came from one. */
  zipUrl: (ids: string[]) => `${BASE}/jobs.zip?${ids.map((id) => `id=${path(id)}`).join("&")}`,
};

export const models = {
  list: async () => (await http.get<{ models: Model[] }>("/models")).data.models,
  add: async (file: File, name: string, onProgress: (share: number) => void) => {
    const form = new FormData();
    form.append("file", file);
    const onUploadProgress = (event: AxiosProgressEvent) => {
      onProgress(event.progress ?? 0);
    };
    const params = name ? { name } : {};
    return (await http.post<Model>("/models", form, { params, onUploadProgress, timeout: 0 })).data;
  },
  remove: async (name: string) => {
    await http.delete(`/models/${path(name)}`);
  },
  sampleUrl: (name: string, side: "before" | "after") =>
    `${BASE}/models/${path(name)}/sample/${side}`,
};

export const runs = {
  list: async () => (await http.get<{ folder: string | null; runs: RunSummary[] }>("/runs")).data,
  get: async (id: string) => (await http.get<Run>(`/runs/${runPath(id)}`)).data,
  eventsPath: (id: string) => `/runs/${runPath(id)}/events`,
};
