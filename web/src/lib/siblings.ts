import { computed, ref, watch, type Ref } from "vue";

import type { Job, Settings } from "@/api/types";
import { describe } from "@/stores/choices";

/** A result's label among others of one file: its request and models. */
export function labelOfResult(job: Job, settings: Settings | null): string {
  const asked = describe({ ...job.options, models: [] }, settings);
  return [asked, job.models.join(" + ")].filter(Boolean).join(" · ");
}

/** Whether two jobs are about one file: its name, bytes and size say so. */
function ofOneFile(one: Job, other: Job): boolean {
  const [a, b] = [one.source, other.source];
  return (
    one.name === other.name &&
    one.kind === other.kind &&
    a.bytes === b.bytes &&
    a.width === b.width &&
    a.height === b.height
  );
}

/** Other finished results of a job's file, oldest first. */
export const siblingsOf = (job: Job, all: readonly Job[]): Job[] =>
  all
    .filter((other) => other.id !== job.id && other.status === "done" && ofOneFile(job, other))
    .sort((a, b) => a.created - b.created);

export const ORIGINAL = "";

/** What a result is compared with: the original, or another result of the same file. */
export function useRival(
  job: Ref<Job | null>,
  all: () => readonly Job[],
  settings: () => Settings | null,
) {
  const siblings = computed(() => (job.value ? siblingsOf(job.value, all()) : []));
  /** The other result's id, or ORIGINAL. */
  const choice = ref(ORIGINAL);
  const rival = computed(() => siblings.value.find(({ id }) => id === choice.value) ?? null);
  watch(
    () => job.value?.id,
    () => {
      choice.value = ORIGINAL;
    },
  );

  const offers = computed(() => {
    const labels = siblings.value.map((one) => labelOfResult(one, settings()));
    const titles = labels.map((label, at) => {
      const same = labels.filter((other) => other === label).length;
      const number = labels.slice(0, at + 1).filter((other) => other === label).length;
      return same > 1 ? `${label} (${number.toString()})` : label;
    });
    return siblings.value.length === 0
      ? []
      : [
          { value: ORIGINAL, title: "Original" },
          ...siblings.value.map(({ id }, at) => ({ value: id, title: titles[at] ?? "" })),
        ];
  });
  return { choice, rival, offers };
}
