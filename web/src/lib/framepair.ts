import { onScopeDispose, watch, type Ref } from "vue";

/** A video of a comparison: it gives the frames that it comes to, and shows those it is told to. */
export interface FrameSide {
  /** Gives the frame that the video is at now. */
  capture: () => void;
  /** Shows a frame, which is its own from now on. */
  show: (frame: VideoFrame) => void;
}

export type SideName = "before" | "after";

/** Frames that wait for their counterpart; a decoder that lends out more may stand still. */
const MOST_WAITING = 4;

/** The frame whose time is nearest: what two containers say of one frame differs by rounding. */
export function nearestFrame(seconds: number, times: readonly number[]): number {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [here, after] = [times[middle] ?? 0, times[middle + 1] ?? 0];
    if (seconds - here > after - seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Shows frames in pairs only. Two players are never at the same frame at every moment, so neither
 * video is looked at itself: a frame waits until the other side has come to the same one.
 */
export function useFramePair(
  times: Ref<number[]>,
  side: (name: SideName) => FrameSide | null,
): { offer: (name: SideName, frame: VideoFrame) => void } {
  const waiting = { before: new Map<number, VideoFrame>(), after: new Map<number, VideoFrame>() };

  function drop(name: SideName, until: number | null): void {
    for (const [number, frame] of waiting[name]) {
      waiting[name].delete(number);
      frame.close();
      if (number === until) return;
    }
  }

  function offer(name: SideName, frame: VideoFrame): void {
    const number = nearestFrame(frame.timestamp / 1e6, times.value);
    const [mine, other] =
      name === "before" ? [waiting.before, waiting.after] : [waiting.after, waiting.before];
    mine.get(number)?.close();
    mine.delete(number); // so that the newest stands last
    mine.set(number, frame);
    const match = other.get(number);
    if (match) {
      const [before, after] = name === "before" ? [frame, match] : [match, frame];
      side("before")?.show(before.clone());
      side("after")?.show(after.clone());
      // What came before this one is late. It stays itself, for a side that comes to it again.
      for (const one of ["before", "after"] as const) {
        for (const [older, held] of waiting[one]) {
          if (older === number) break;
          waiting[one].delete(older);
          held.close();
        }
      }
    }
    while (mine.size > MOST_WAITING) drop(name, mine.keys().next().value ?? null);
  }

  // Other times number the frames otherwise.
  watch(times, () => {
    for (const name of ["before", "after"] as const) {
      drop(name, null);
      side(name)?.capture();
    }
  });
  onScopeDispose(() => {
    drop("before", null);
    drop("after", null);
  });

  return { offer };
}
