/** Files that another app shared with the page, from the service worker that received them. */

import { createStore, entries, set, clear, type UseStore } from "idb-keyval";

let store: UseStore | undefined;
const sharedStore = () => (store ??= createStore("crispen-shared", "files"));

export async function keepShared(files: readonly File[]): Promise<void> {
  for (const [at, file] of files.entries()) {
    await set(`${Date.now().toString()}-${at.toString()}`, file, sharedStore());
  }
}

/** Returns what was shared and not taken yet, once. */
export async function takeShared(): Promise<File[]> {
  try {
    const found = await entries<string, File>(sharedStore());
    if (found.length > 0) await clear(sharedStore());
    return found.map(([, file]) => file);
  } catch {
    return [];
  }
}
