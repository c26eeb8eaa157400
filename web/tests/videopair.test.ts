import { shallowRef, effectScope, nextTick } from "vue";
import { describe, expect, it, vi } from "vitest";

import { evenTimes, frameAt, middleOf, useVideoPair } from "@/lib/videopair";

/** Three frames at 30 a second, then three at 5 a second. */
const TIMES = [0, 1 / 30, 2 / 30, 0.1, 0.3, 0.5];

describe("two videos as one", () => {
  it("knows which frame is shown, however long each lasts", () => {
    expect(TIMES.map((time) => frameAt(time, TIMES))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(TIMES.map((_, frame) => frameAt(middleOf(frame, TIMES), TIMES))).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
    // As a browser says it, in microseconds.
    expect(frameAt(0.033333, TIMES)).toBe(1);
    expect(frameAt(0.25, TIMES)).toBe(3);
    expect(frameAt(99, TIMES)).toBe(5);
    expect(frameAt(1, [])).toBe(0);
  });

  it("takes frames for equally long as long as nothing better is known", () => {
    expect(evenTimes(4, 2)).toEqual([0, 0.5, 1, 1.5]);
    expect(middleOf(3, evenTimes(4, 2))).toBe(1.75);
    for (const rate of [24_000 / 1001, 25, 59.94]) {
      const times = evenTimes(5001, 5001 / rate);
      for (const frame of [0, 1, 99, 5000]) {
        expect(frameAt(middleOf(frame, times), times)).toBe(frame);
        expect(frameAt(frame / rate, times)).toBe(frame);
      }
    }
  });

  it("steps one frame at a press", async () => {
    const video = () => {
      const made = document.createElement("video");
      made.requestVideoFrameCallback = vi.fn(() => 1);
      made.cancelVideoFrameCallback = vi.fn();
      Object.defineProperty(made, "duration", { value: 0.7 });
      Object.defineProperty(made, "currentTime", { value: 0, writable: true });
      return made;
    };
    const [after, before] = [video(), video()];
    const scope = effectScope();
    const pair = scope.run(() =>
      useVideoPair(shallowRef(after), shallowRef(before), shallowRef(TIMES)),
    );
    await nextTick();
    const calls = vi.mocked(after.requestVideoFrameCallback).mock.calls;
    const late = () => {
      calls.at(-1)?.[0](0, { mediaTime: 0 } as VideoFrameCallbackMetadata);
    };
    const seen = [];
    for (let press = 0; press < 7; press += 1) {
      pair?.step(1);
      late(); // of a frame from before, which comes while it seeks
      seen.push(pair?.frame.value);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 5, 5]);
    pair?.step(-1);
    expect(pair?.frame.value).toBe(4);
    expect(after.currentTime).toBeCloseTo(0.4);
    expect(before.currentTime).toBe(after.currentTime);
    scope.stop();
  });
});
