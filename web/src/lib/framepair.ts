import { onScopeDispose, watch, type Ref } from "vue";

/** A video in a comparison: it supplies the frames it reaches, and shows those it is given. */
export interface FrameSide {
  /** Returns the video's current frame. */
  capture: () => void;
  /** Shows a frame and takes ownership of it. */
  show: (frame: VideoFrame) => void;
}

export type SideName = "before" | "after";

/** Frames that wait for their counterpart; a decoder that lends out more may stall. */
const MOST_WAITING = 4;

/** The frame whose time is nearest: two containers' times for one frame differ by rounding. */
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
    mine.delete(number); // so that the newest is last
    mine.set(number, frame);
    const match = other.get(number);
    if (match) {
      const [before, after] = name === "before" ? [frame, match] : [match, frame];
      side("before")?.show(before.clone());
      side("after")?.show(after.clone());
      // Earlier frames are late. This one stays, in case a side reaches it again.
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

  // With other times, frames have other numbers.
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
