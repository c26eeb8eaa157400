/** The overall progress. */

import type { Item } from "@/stores/queue";

/** undone: failed or cancelled */
export type Phase = "working" | "done" | "undone";

export function phaseOf({ upload, job }: Item): Phase {
  if (upload) return upload.state === "failed" || upload.state === "lost" ? "undone" : "working";
  switch (job?.status) {
    case "done":
      return "done";
    case "failed":
    case "cancelled":
      return "undone";
    default:
      return "working";
  }
}

/** Progress of the work on a file; sending is not counted, as it says nothing about the work. */
export function shareOf(item: Item): number {
  if (phaseOf(item) !== "working") return 1;
  const now = item.job?.progress;
  return now?.total ? Math.min(1, now.done / now.total) : 0;
}

export interface Overall {
  /** Files of this batch, and how many of them are over. */
  count: number;
  over: number;
  /** From 0 to 1. */
  share: number;
  /** null while unknown. */
  leftS: number | null;
}

/** Less than this says nothing about how long the rest takes. */
const LEAST_SHARE = 0.02;

/**
 * @param batch - Files that were not over when the work began.
 * @param elapsedS - Since the work began, of which `before` was done already.
 */
export function overallOf(batch: readonly Item[], elapsedS: number, before = 0): Overall {
  const over = batch.filter((item) => phaseOf(item) !== "working").length;
  const share = batch.reduce((sum, item) => sum + shareOf(item), 0) / Math.max(1, batch.length);
  const gained = share - before;
  return {
    count: batch.length,
    over,
    share,
    leftS: gained > LEAST_SHARE ? (elapsedS * (1 - share)) / gained : null,
  };
}
