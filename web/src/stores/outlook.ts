import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";

import { enhance, jobs as api } from "@/api/client";
import { troubleOf } from "@/api/errors";
import type { FileFacts, FilePlan, Found, Kind } from "@/api/types";
import { cutOut, pieceAt, pieceParams } from "@/lib/crop";
import { capitalized } from "@/lib/format";
import { openedBitmap, type Part } from "@/lib/opened";
import { paceOf, secondsFor, type Sample } from "@/lib/pace";
import { optionsOf, useChoices } from "@/stores/choices";
import { useFacts } from "@/stores/facts";
import { useJobs } from "@/stores/jobs";
import { useServer } from "@/stores/server";
import { useUploads, type PendingUpload } from "@/stores/uploads";

/** The expected result of a file. */
export interface Outlook extends FilePlan {
  /** About how long it takes; null if nothing like it was done before. */
  seconds: number | null;
}

const PATIENCE_MS = 150;
/** Large enough that starting counts for little. */
const TIMED = { width: 512, height: 384 };

function factsOf(found: Found | undefined): FileFacts | null {
  const { width, height, frames, duration_s, jpeg_step, damage } = found ?? {};
  if (!width || !height) return null;
  return {
    width,
    height,
    frames: frames ?? 1,
    // Animations have one too, but it needs no plan.
    duration_s: duration_s || null,
    jpeg_step: jpeg_step ?? null,
    damage: damage ?? null,
  };
}

/** What the current choices would do to the chosen files, before anything is sent. */
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

  /** How many times as long the sides of a file become; 1 until that is known. */
  function factorOf(key: string): number {
    const plan = plans.value.get(key);
    const width = plan?.box?.width ?? facts.facts.get(key)?.width;
    return plan && width ? plan.width / width : 1;
  }

  /** The wanted part of a video; all of it until there is a plan. */
  function partOf(key: string): Part {
    const plan = plans.value.get(key);
    return { beginS: plan?.begin_s ?? 0, box: plan?.box ?? null };
  }

  /** The models that enhance a piece of a file; null until there is a plan for it. */
  function paramsOf({ key, kind }: PendingUpload): URLSearchParams | null {
    const plan = plans.value.get(key);
    if (!plan) return null;
    const options = { ...optionsOf(choices.choices, kind, server.settings) };
    if (kind === "video") {
      // A frame is a picture here; it is enhanced as the frames of its video are.
      options.models = plan.models;
      options.tasks = null;
    }
    const step = kind === "image" ? (facts.facts.get(key)?.jpeg_step ?? null) : null;
    return pieceParams(options, factorOf(key), step, server.settings);
  }

  /**
   * Enhances a larger piece with networks of which nothing is known yet. The first time they are
   * made ready for that size, and only the second says how fast they are.
   */
  async function time(upload: PendingUpload, { signal }: AbortController): Promise<void> {
    const plan = plans.value.get(upload.key);
    const params = paramsOf(upload);
    const file = uploads.fileOf(upload.key);
    if (!plan || !params || !file || plan.problem) return;
    const bitmap = await openedBitmap(file, partOf(upload.key));
    try {
      const middle = { x: bitmap.width / 2, y: bitmap.height / 2 };
      const piece = pieceAt(middle, bitmap, TIMED, 1);
      const picture = await cutOut(bitmap, piece);
      await enhance(picture, params, signal);
      const { seconds } = await enhance(picture, params, signal);
      const pixels = piece.width * piece.height;
      pieces.value = [...pieces.value, { models: plan.models, pixels, seconds }];
    } finally {
      bitmap.close();
    }
  }

  let timing = new AbortController();
  async function timeAll(): Promise<void> {
    timing.abort();
    const mine = (timing = new AbortController());
    for (const upload of [...uploads.chosen]) {
      const plan = plans.value.get(upload.key);
      if (!plan || paceOf(plan.models, samples.value) !== null) continue;
      try {
        await time(upload, mine);
      } catch {
        // Then no duration is shown.
      }
      if (mine.signal.aborted) return;
    }
  }

  function of(key: string): Outlook | null {
    const plan = plans.value.get(key);
    const known = factsOf(facts.facts.get(key));
    if (!plan || !known) return null;
    const { width, height } = plan.box ?? known;
    const pixels = width * height * Math.max(1, plan.frames);
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

  /** What is wrong with options, by their names. */
  const problems = computed(() => {
    const found = new Map<string, string>();
    for (const { key } of uploads.chosen) {
      const { field, problem } = plans.value.get(key) ?? {};
      if (field && problem) found.set(field, capitalized(problem.replace(`${field}: `, "")));
    }
    return found;
  });
  /** Why nothing can be done with these options, in words that say what to do; "" if it can. */
  const problem = computed(() => {
    const wrong = server.settings?.options.find(({ name }) => problems.value.has(name));
    return wrong ? `Correct the ${wrong.label.toLowerCase()}.` : "";
  });

  async function ask(kind: Kind, keys: string[], wanted: FileFacts[]): Promise<void> {
    try {
      const options = optionsOf(choices.choices, kind, server.settings);
      const answers = await api.check(kind, options, wanted);
      keys.forEach((key, at) => {
        const plan = answers[at];
        if (plan) plans.value.set(key, plan);
      });
    } catch (error) {
      const { message, field = null, offline } = troubleOf(error);
      wanted.forEach(({ width, height, frames = 1 }, at) => {
        const key = keys[at] ?? "";
        const nothing = { models: [], width, height, frames, begin_s: 0 };
        if (offline) plans.value.delete(key);
        else plans.value.set(key, { ...nothing, problem: message, field });
      });
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
    await timeAll();
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
      timing.abort();
      timer = setTimeout(() => void refresh(), PATIENCE_MS);
    },
    { immediate: true },
  );

  return { of, total, pieces, problem, problems, paramsOf, partOf, factorOf };
});
