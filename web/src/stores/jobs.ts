import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { jobs as api } from "@/api/client";
import { subscribe } from "@/api/events";
import type { Job } from "@/api/types";
import { forgetOrigin, keepOrigin, keptOrigins, type Origin } from "@/lib/keep";
import { useNotices } from "@/stores/notices";
import { useServer } from "@/stores/server";

/** This client's jobs as the server has them, kept up to date by its events. */
export const useJobs = defineStore("jobs", () => {
  const server = useServer();
  const notices = useNotices();
  const jobs = ref<Job[]>([]);
  const origins = ref(new Map<string, Origin>());
  const loaded = ref(false);
  let stop: (() => void) | null = null;

  const done = computed(() => jobs.value.filter((job) => job.status === "done"));
  const find = (id: string) => jobs.value.find((job) => job.id === id);

  function put(job: Job): void {
    const at = jobs.value.findIndex((other) => other.id === job.id);
    if (at >= 0) jobs.value[at] = job;
    else jobs.value.unshift(job);
  }

  function forget(id: string): void {
    if (!find(id) && !origins.value.has(id)) return; // many at once are gone already
    jobs.value = jobs.value.filter((job) => job.id !== id);
    origins.value.delete(id);
    void forgetOrigin(id);
  }

  async function take(now: Job[]): Promise<void> {
    if (!loaded.value) {
      // Done first, or lines would change order once their origin is known.
      const kept = await keptOrigins();
      for (const [id, origin] of origins.value) kept.set(id, origin);
      origins.value = kept;
    }
    jobs.value = now;
    loaded.value = true;
  }

  /** Listens from now on; called each time the server is reachable again. */
  function connect(): void {
    stop?.();
    stop = subscribe("/events", {
      broken: () => void server.tryNow(),
      on: {
        snapshot: (data) => void take((data as { jobs: Job[] }).jobs),
        job: (data) => {
          put(data as Job);
        },
        deleted: (data) => {
          forget((data as { id: string }).id);
        },
      },
    });
  }

  /** Clients that lost access see nothing either. */
  function disconnect(): void {
    stop?.();
    stop = null;
    jobs.value = [];
  }

  function adopt(job: Job, origin: Origin): void {
    origins.value.set(job.id, origin);
    void keepOrigin(job.id, origin);
    if (!find(job.id)) put(job);
  }

  async function attempt(act: () => Promise<Job>): Promise<void> {
    try {
      put(await act());
    } catch (error) {
      notices.complain(error);
    }
  }

  const cancel = (id: string) => attempt(() => api.cancel(id));
  const retry = (id: string) => attempt(() => api.retry(id));

  async function remove(id: string): Promise<void> {
    try {
      await api.remove(id);
      forget(id);
    } catch (error) {
      notices.complain(error);
    }
  }

  /** In one request, and in one change of the list. */
  async function removeAll(ids: string[]): Promise<void> {
    try {
      const { done } = await api.bulk({ action: "delete", ids });
      const gone = new Set(done);
      jobs.value = jobs.value.filter(({ id }) => !gone.has(id));
      for (const id of done) origins.value.delete(id);
      await Promise.all(done.map((id) => forgetOrigin(id)));
    } catch (error) {
      notices.complain(error);
    }
  }

  async function toAll(wish: Parameters<typeof api.bulk>[0]): Promise<void> {
    try {
      await api.bulk(wish);
    } catch (error) {
      notices.complain(error);
    }
  }
  const cancelAll = () => toAll({ action: "cancel", status: ["queued", "paused", "running"] });
  /** What runs is finished; what waits does not begin. */
  const pauseAll = () => toAll({ action: "pause", status: ["queued"] });
  const resumeAll = () => toAll({ action: "resume", status: ["paused"] });

  return {
    jobs,
    origins,
    loaded,
    done,
    find,
    connect,
    disconnect,
    adopt,
    cancel,
    retry,
    remove,
    removeAll,
    cancelAll,
    pauseAll,
    resumeAll,
  };
});
