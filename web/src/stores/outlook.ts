import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";

import { jobs as api } from "@/api/client";
import type { FileFacts, FilePlan, Found, Kind } from "@/api/types";
import { secondsFor, type Sample } from "@/lib/pace";
import { optionsOf, useChoices } from "@/stores/choices";
import { useFacts } from "@/stores/facts";
import { useJobs } from "@/stores/jobs";
import { useServer } from "@/stores/server";
import { useUploads } from "@/stores/uploads";

/** What would come of a file. */
export interface Outlook extends FilePlan {
  /** About how long it takes; null where nothing like it was done before. */
  seconds: number | null;
}

const PATIENCE_MS = 150;
const MOST_SAMPLES = 200;

function factsOf(found: Found | undefined): FileFacts | null {
  const { width, height, frames, jpeg_step } = found ?? {};
  if (!width || !height) return null;
  return { width, height, frames: frames ?? 1, jpeg_step: jpeg_step ?? null };
}

/** What would be done to the chosen files with what is chosen now, before anything is sent. */
export const useOutlook = defineStore("outlook", () => {
  const server = useServer();
  const uploads = useUploads();
  const choices = useChoices();
  const facts = useFacts();
  const jobs = useJobs();
  const plans = ref(new Map<string, FilePlan>());
  const pieces = ref<Sample[]>([]);

  const samples = computed<Sample[]>(() => [
    ...pieces.value,
    ...jobs.done.map(({ models, source, started, finished }) => ({
      models,
      pixels: source.width * source.height * Math.max(1, source.frames),
      seconds: (finished ?? 0) - (started ?? 0),
    })),
  ]);

  /** Known of a piece that was enhanced for a look at it. */
  function took(sample: Sample): void {
    pieces.value = [...pieces.value.slice(-MOST_SAMPLES), sample];
  }

  function of(key: string): Outlook | null {
    const plan = plans.value.get(key);
    const known = factsOf(facts.facts.get(key));
    if (!plan || !known) return null;
    const pixels = known.width * known.height * Math.max(1, known.frames ?? 1);
    return { ...plan, seconds: secondsFor(plan.models, pixels, samples.value) };
  }

  /** All chosen files together; null unless it is known of each. */
  const total = computed<number | null>(() => {
    let sum = 0;
    for (const { key } of uploads.chosen) {
      const seconds = of(key)?.seconds;
      if (seconds == null) return null;
      sum += seconds;
    }
    return uploads.chosen.length > 0 ? sum : null;
  });

  async function ask(kind: Kind, keys: string[], wanted: FileFacts[]): Promise<void> {
    try {
      const options = optionsOf(choices.choices, kind, server.settings);
      const answers = await api.check(kind, options, wanted);
      keys.forEach((key, at) => {
        const plan = answers[at];
        if (plan) plans.value.set(key, plan);
      });
    } catch {
      // Whoever presses the button is told what is wrong.
      for (const key of keys) plans.value.delete(key);
    }
  }

  async function refresh(): Promise<void> {
    if (!server.ready || choices.problem !== "") return;
    for (const kind of ["image", "video"] as const) {
      const mine = uploads.chosen.flatMap((upload) => {
        const known = factsOf(facts.facts.get(upload.key));
        return upload.kind === kind && known ? [{ key: upload.key, known }] : [];
      });
      if (mine.length > 0) {
        await ask(
          kind,
          mine.map(({ key }) => key),
          mine.map(({ known }) => known),
        );
      }
    }
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(
    [
      () => JSON.stringify(choices.choices),
      () => server.generation,
      () => uploads.chosen.map(({ key }) => [key, factsOf(facts.facts.get(key))]),
    ],
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => void refresh(), PATIENCE_MS);
    },
    { immediate: true },
  );

  return { of, total, took, samples };
});
