import { onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";

import { enhance } from "@/api/client";
import { troubleOf } from "@/api/errors";
import { cutOut, samePiece, type Piece } from "@/lib/crop";

/** A piece to try out, and what to do to it. */
export interface Trial {
  picture: ImageBitmap;
  piece: Piece;
  params: string;
}

const PATIENCE_MS = 200;
const BUSY_MS = 3000;

/** The result of the newest trial; an outdated one is cancelled. */
export function useTryout(trial: Ref<Trial | null>) {
  const result = shallowRef<Blob | null>(null);
  const working = ref(false);
  const problem = ref("");
  let stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function run(wanted: Trial, { signal }: AbortController): Promise<void> {
    try {
      const file = await cutOut(wanted.picture, wanted.piece);
      const made = await enhance(file, new URLSearchParams(wanted.params), signal);
      if (signal.aborted) return;
      result.value = made.result;
      working.value = false;
    } catch (error) {
      if (signal.aborted) return;
      working.value = false;
      const trouble = troubleOf(error);
      if (trouble.offline) return; // the page says so itself
      problem.value = trouble.message;
      if (trouble.code === "busy" || trouble.retryAfterS !== undefined) begin(BUSY_MS);
    }
  }

  function begin(afterMs: number): void {
    clearTimeout(timer);
    stop.abort();
    stop = new AbortController();
    const wanted = trial.value;
    working.value = wanted !== null;
    if (!wanted) return;
    const mine = stop;
    timer = setTimeout(() => {
      problem.value = "";
      void run(wanted, mine);
    }, afterMs);
  }

  const ofSamePiece = (one: Trial | null, other: Trial | null | undefined) =>
    one !== null && one.picture === other?.picture && samePiece(one.piece, other.piece);

  watch(
    trial,
    (now, before) => {
      // For the same piece, the old result stays until the new one is ready: sliders move in steps.
      if (!ofSamePiece(now, before)) result.value = null;
      problem.value = "";
      begin(PATIENCE_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearTimeout(timer);
    stop.abort();
  });

  return { result, working, problem };
}
