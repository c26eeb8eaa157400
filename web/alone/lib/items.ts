/** The files of this tab, and the worker that enhances them one after the other. */

import { computed, reactive, ref, shallowRef } from "vue";

import type { Done, Word, Work } from "../workers/enhance";
import { formatFor, resultName, type Choices } from "./choices";

export interface Item {
  key: number;
  file: File;
  /** Of the original, for the page to show. */
  url: string;
  state: "chosen" | "waiting" | "running" | "done" | "failed";
  share: number;
  problem: string;
  result: (Done & { url: string; name: string }) | null;
}

export function useItems() {
  const items = reactive<Item[]>([]);
  const selected = ref<number | null>(null);
  const worker = shallowRef<Worker | null>(null);
  const current = computed(() => items.find(({ key }) => key === selected.value) ?? null);
  const busy = computed(() => items.some(({ state }) => state === "running"));
  let next = 0;
  let choices: Choices | null = null;

  function add(files: File[]): void {
    for (const file of files) {
      next += 1;
      const url = URL.createObjectURL(file);
      items.push({ key: next, file, url, state: "chosen", share: 0, problem: "", result: null });
    }
    selected.value = items.at(-files.length)?.key ?? null;
  }

  function drop(item: Item): void {
    if (item.result) URL.revokeObjectURL(item.result.url);
    item.result = null;
  }

  function remove(key: number): void {
    const at = items.findIndex((item) => item.key === key);
    const item = items[at];
    if (!item) return;
    if (item.state === "running") stop();
    drop(item);
    URL.revokeObjectURL(item.url);
    items.splice(at, 1);
    if (selected.value === key) selected.value = (items[at] ?? items.at(-1))?.key ?? null;
    proceed();
  }

  /** Ends what is under way; a worker cannot be asked to while a network runs. */
  function stop(): void {
    worker.value?.terminate();
    worker.value = null;
  }

  function cancel(): void {
    stop();
    for (const item of items)
      if (["waiting", "running"].includes(item.state)) item.state = "chosen";
  }

  function finish(item: Item, done: Done): void {
    drop(item);
    const format = formatFor(choices?.format ?? "same", item.file.type);
    const name = resultName(item.file.name, choices?.scale ?? 1, format);
    item.result = { ...done, url: URL.createObjectURL(done.blob), name };
    item.state = "done";
  }

  function hear(word: Word): void {
    const item = items.find(({ key }) => key === word.id);
    if (!item) return;
    if (word.kind === "progress") {
      item.share = word.share;
      return;
    }
    if (word.kind === "done") finish(item, word.done);
    else {
      item.state = "failed";
      item.problem = word.message;
    }
    proceed();
  }

  function started(): Worker {
    const made = new Worker(new URL("../workers/enhance.ts", import.meta.url), { type: "module" });
    made.onmessage = ({ data }: MessageEvent<Word>) => {
      hear(data);
    };
    made.onerror = () => {
      // Mostly memory: the next file gets a fresh one.
      stop();
      const item = items.find(({ state }) => state === "running");
      const message = "The browser gave up; choose a smaller size or a smaller picture.";
      if (item) hear({ id: item.key, kind: "failed", message });
    };
    return made;
  }

  function proceed(): void {
    const item = items.find(({ state }) => state === "waiting");
    if (!item || busy.value || !choices) return;
    worker.value ??= started();
    item.state = "running";
    item.share = 0;
    const work: Work = { id: item.key, file: item.file, choices };
    worker.value.postMessage(work);
  }

  /** Enhances all files with these choices; those that are done, too, since choices may differ. */
  function start(wanted: Choices): void {
    choices = JSON.parse(JSON.stringify(wanted)) as Choices;
    for (const item of items) {
      item.state = "waiting";
      item.problem = "";
    }
    proceed();
  }

  return { items, selected, current, busy, add, remove, start, cancel };
}
