import { defineStore } from "pinia";
import { computed, watch } from "vue";

import { useJobs } from "@/stores/jobs";
import { useServer } from "@/stores/server";
import { useUploads, type PendingUpload } from "@/stores/uploads";
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
      uploads.uploads.some(({ state }) => ["waiting", "sending", "starting"].includes(state)) ||
      jobs.jobs.some(({ status }) => status === "queued" || status === "running"),
  );

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

  return { items, busy, start };
});
