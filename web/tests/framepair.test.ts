import { describe, expect, it } from "vitest";
import { effectScope, shallowRef } from "vue";

import { nearestFrame, useFramePair, type SideName } from "@/lib/framepair";

const TIMES = [0, 0.033, 0.067, 0.1, 0.3];

class Frame {
  static open = 0;
  constructor(readonly timestamp: number) {
    Frame.open += 1;
  }
  clone(): Frame {
    return new Frame(this.timestamp);
  }
  close(): void {
    Frame.open -= 1;
  }
}

function two() {
  Frame.open = 0;
  const seen: Record<SideName, number[]> = { before: [], after: [] };
  const captured: SideName[] = [];
  const times = shallowRef(TIMES);
  const scope = effectScope();
  const pair = scope.run(() =>
    useFramePair(times, (name) => ({
      capture: () => captured.push(name),
      show: (frame) => {
        seen[name].push(frame.timestamp / 1e6);
        frame.close();
      },
    })),
  );
  const offer = (name: SideName, seconds: number) =>
    pair?.offer(name, new Frame(seconds * 1e6) as unknown as VideoFrame);
  return { seen, captured, times, scope, offer };
}

describe("frames in pairs", () => {
  it("knows a frame by the nearest time", () => {
    expect(TIMES.map((time) => nearestFrame(time, TIMES))).toEqual([0, 1, 2, 3, 4]);
    // As another container rounds it.
    expect(nearestFrame(0.06666, TIMES)).toBe(2);
    expect(nearestFrame(0.0334, TIMES)).toBe(1);
    expect(nearestFrame(9, TIMES)).toBe(4);
    expect(nearestFrame(-1, TIMES)).toBe(0);
    expect(nearestFrame(1, [])).toBe(0);
  });

  it("shows neither side alone, whichever is ahead", () => {
    const { seen, offer } = two();
    offer("after", 0);
    offer("after", 0.033);
    expect(seen).toEqual({ before: [], after: [] });
    offer("before", 0.0334);
    expect(seen).toEqual({ before: [0.0334], after: [0.033] });
    offer("before", 0.067);
    offer("before", 0.1);
    offer("after", 0.1);
    expect(seen).toEqual({ before: [0.0334, 0.1], after: [0.033, 0.1] });
  });

  it("gives every frame back", () => {
    const { offer, scope } = two();
    for (const time of [...TIMES, 0, ...TIMES]) offer("after", time);
    expect(Frame.open).toBe(4);
    offer("before", 0.3);
    expect(Frame.open).toBe(2);
    scope.stop();
    expect(Frame.open).toBe(0);
  });

  it("looks again when frames turn out to begin at other times", async () => {
    const { captured, times, offer } = two();
    offer("after", 0);
    times.value = [0, 1];
    await Promise.resolve();
    expect(captured).toEqual(["before", "after"]);
    expect(Frame.open).toBe(0);
  });
});
