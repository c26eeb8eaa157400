import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";

import { overallOf, phaseOf, shareOf, type Phase } from "@/lib/overall";
import { useJobs } from "@/stores/jobs";
import { useServer } from "@/stores/server";
import { useUploads, type PendingUpload, type UploadState } from "@/stores/uploads";
import type { Job } from "@/api/types";

/** One line of the queue: a file on its way, or the job that it became. */
export interface Item {
  /** The same before and after the file became a job, so that its line stays where it is. */
  key: string;
  added: number;
  upload: PendingUpload | null;
  job: Job | null;
  thumbnail: Blob | null;
}

const WAITING: UploadState[] = ["waiting", "sending", "starting"];

function countsOf(items: Item[]): Record<Phase, number> {
  const counts: Record<Phase, number> = { working: 0, done: 0, undone: 0 };
  for (const item of items) counts[phaseOf(item)] += 1;
  return counts;
}

/** Everything a person put in, oldest first, wherever it is by now. */
export const useQueue = defineStore("queue", () => {
  const server = useServer();
  const uploads = useUploads();
  const jobs = useJobs();

  const items = computed<Item[]>(() => {
    const pending = uploads.uploads
      .filter((upload) => upload.state !== "chosen")
      .map((upload) => ({
        key: upload.key,
        added: upload.added,
        upload,
        job: null,
        thumbnail: upload.thumbnail,
      }));
    const taken = jobs.jobs.map((job) => {
      const origin = jobs.origins.get(job.id);
      return {
        key: origin?.key ?? job.id,
        added: origin?.added ?? job.created * 1000,
        upload: null,
        job,
        thumbnail: origin?.thumbnail ?? null,
      };
    });
    return [...pending, ...taken].sort((a, b) => b.added - a.added);
  });

  const busy = computed(
    () =>
      uploads.uploads.some(({ state }) => WAITING.includes(state)) ||
      jobs.jobs.some(({ status }) => ["queued", "paused", "running"].includes(status)),
  );

  const phases = computed(() => countsOf(items.value));

  /** When the work that goes on began, what was over by then, and how far the rest was. */
  const batch = ref({ began: Date.now(), over: new Set<string>(), share: 0 });
  const now = ref(Date.now());
  watch(busy, (is, was) => {
    if (!is || was) return;
    const rest = items.value.filter((item) => phaseOf(item) === "working");
    batch.value = {
      began: Date.now(),
      over: new Set(items.value.filter((item) => !rest.includes(item)).map(({ key }) => key)),
      share: rest.reduce((sum, item) => sum + shareOf(item), 0) / Math.max(1, rest.length),
    };
  });
  const current = computed(() => items.value.filter(({ key }) => !batch.value.over.has(key)));
  /** What became of the files of the work that goes on, or that ended last. */
  const outcome = computed(() => countsOf(current.value));
  const overall = computed(() => {
    const { began, share } = batch.value;
    return overallOf(current.value, (Math.max(now.value, began) - began) / 1000, share);
  });
  watch(items, () => {
    now.value = Date.now();
  });

  /** Calls off whatever is not over: what is on its way, and what the server has not done. */
  async function cancelAll(): Promise<void> {
    uploads.removeAll(
      uploads.uploads.filter(({ state }) => WAITING.includes(state)).map(({ key }) => key),
    );
    await jobs.cancelAll();
  }

  const waiting = computed(
    () => uploads.unsent > 0 || jobs.jobs.some(({ status }) => status === "queued"),
  );
  const paused = computed(
    () => uploads.paused || jobs.jobs.some(({ status }) => status === "paused"),
  );

  /** Sends nothing more and begins nothing more; what runs is finished. */
  async function pause(on: boolean): Promise<void> {
    uploads.pause(on);
    await (on ? jobs.pauseAll() : jobs.resumeAll());
  }

  /** Removes files wherever they are by now, those on the server in one request. */
  async function removeAll(keys: string[]): Promise<void> {
    const gone = new Set(keys);
    const found = items.value.filter(({ key }) => gone.has(key));
    uploads.removeAll(found.flatMap(({ upload }) => (upload ? [upload.key] : [])));
    const ids = found.flatMap(({ job }) => (job ? [job.id] : []));
    if (ids.length > 0) await jobs.removeAll(ids);
  }

  function start(): void {
    uploads.onArrived((upload, job) => {
      const { key, added, thumbnail } = upload;
      jobs.adopt(job, { key, added, thumbnail });
    });
    watch(
      () => server.generation,
      (generation) => {
        if (generation === 0) return;
        jobs.connect();
        uploads.pump();
      },
      { immediate: true },
    );
    watch(
      () => server.signInNeeded,
      (needed) => {
        if (needed) jobs.disconnect();
      },
    );
    void uploads.recall();
  }

  return {
    items,
    busy,
    waiting,
    paused,
    phases,
    outcome,
    overall,
    pause,
    cancelAll,
    removeAll,
    start,
  };
});
