import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it } from "vitest";
import { nextTick } from "vue";

import type { Job } from "@/api/types";
import { useJobs } from "@/stores/jobs";
import { useQueue } from "@/stores/queue";

const job = (id: string, status: string) =>
  ({ id, status, created: Number(id), progress: null }) as unknown as Job;

describe("the queue", () => {
  beforeEach(() => {
    setActivePinia(createPinia());
  });

  it("tells what became of the last work, not of all that ever was", async () => {
    const jobs = useJobs();
    const queue = useQueue();
    const states = [["done"], ["done", "queued", "queued"], ["done", "failed", "done"]];
    for (const now of states) {
      jobs.jobs = now.map((status, at) => job(at.toString(), status));
      await nextTick();
    }
    expect(queue.busy).toBe(false);
    expect(queue.phases).toEqual({ working: 0, done: 2, undone: 1 });
    expect(queue.outcome).toEqual({ working: 0, done: 1, undone: 1 });
  });
});
