/** Remarks for a comparison that does not show every pixel exactly as it was made. */

import { computed, reactive, ref } from "vue";

import { dimensions } from "@/lib/format";
import type { Size } from "@/lib/viewport";

/** The size of a file, as far as it is known. */
interface Whole {
  width?: number | null | undefined;
  height?: number | null | undefined;
}

/** A side's true size and its shown size; null until known. */
export interface Side {
  full: Whole;
  shown: Size | null;
}

/** Rounding to even sides, or pixels that are not square, make nothing smaller. */
const isReduced = ({ full, shown }: Side) =>
  shown !== null && shown.width < (full.width ?? 0) - 1 && shown.height < (full.height ?? 0) - 1;

const told = ({ full, shown }: Side) =>
  `${dimensions(shown?.width, shown?.height)} of its ${dimensions(full.width, full.height)} pixels`;

/** `standIn`: whether the browser enlarges the before side, instead of the chosen method. */
export function remarks(before: Side, after: Side, standIn: boolean): string[] {
  return [
    ...(standIn
      ? [
          "The browser enlarges Before, close to bilinear: it is too large for the chosen method, or animated.",
        ]
      : []),
    ...(isReduced(before) ? [`Before is shown with ${told(before)}.`] : []),
    ...(isReduced(after) ? [`After is shown with ${told(after)}; the download has all.`] : []),
  ];
}

/** Remarks that follow the state of the two layers. */
export function useRemarks(before: () => Whole | undefined, after: () => Whole) {
  const shown = reactive<{ before: Size | null; after: Size | null }>({
    before: null,
    after: null,
  });
  const standIn = ref(false);
  const told = computed(() =>
    remarks(
      { full: before() ?? {}, shown: shown.before },
      { full: after(), shown: shown.after },
      standIn.value,
    ),
  );
  return { shown, standIn, told };
}
