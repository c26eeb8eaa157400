/** What this browser remembers of a user's files, so that a reload loses nothing. */

import { createStore, del, entries, set, type UseStore } from "idb-keyval";

import type { JobOptions, Kind } from "@/api/types";

/** A remembered file that the server does not have yet. */
export interface KeptUpload {
  key: string;
  name: string;
  bytes: number;
  kind: Kind;
  added: number;
  options: Partial<JobOptions> | null;
  /** Where to send the rest of a partly sent file. */
  url: string | null;
  /** Why the server refused it; "" if it did not. */
  error: string;
  hopeless: boolean;
  /** The job whose source it is, if the server has the file already; see `PendingUpload`. */
  from?: string | null;
  /** Its folder in what was dropped. */
  folder?: string;
  file: File | null;
  thumbnail: Blob | null;
}

/** Where a job came from, for as long as the server has the job. */
export interface Origin {
  key: string;
  added: number;
  thumbnail: Blob | null;
}

/** Larger files are not copied into the browser's storage; the user is asked for them again. */
export const MAX_KEPT_BYTES = 500e6;

// One database each: idb-keyval cannot put two stores into one.
let uploads: UseStore | undefined;
let origins: UseStore | undefined;
const uploadStore = () => (uploads ??= createStore("crispen-uploads", "uploads"));
const originStore = () => (origins ??= createStore("crispen-origins", "origins"));

/** Runs what may fail if storage is full or forbidden; the page works without it. */
async function quietly<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await act();
  } catch {
    return otherwise;
  }
}

export async function keepUpload(upload: KeptUpload): Promise<void> {
  const small = upload.bytes <= MAX_KEPT_BYTES ? upload : { ...upload, file: null };
  const kept = await quietly(async () => {
    await set(upload.key, small, uploadStore());
    return true;
  }, false);
  if (!kept && small.file) {
    await quietly(() => set(upload.key, { ...small, file: null }, uploadStore()), undefined);
  }
}

export const forgetUpload = (key: string) => quietly(() => del(key, uploadStore()), undefined);

export async function keptUploads(): Promise<KeptUpload[]> {
  const all = await quietly(() => entries<string, KeptUpload>(uploadStore()), []);
  return all
    .map(([, upload]) => upload)
    .sort((a, b) => {
      // The integer part is the time of arrival, the fraction the order: it falls for later ones.
      return Math.floor(a.added) - Math.floor(b.added) || b.added - a.added;
    });
}

export const keepOrigin = (job: string, origin: Origin) =>
  quietly(() => set(job, origin, originStore()), undefined);

export const forgetOrigin = (job: string) => quietly(() => del(job, originStore()), undefined);

export async function keptOrigins(): Promise<Map<string, Origin>> {
  return new Map(await quietly(() => entries<string, Origin>(originStore()), []));
}
