import { describe, expect, it } from "vitest";

import { overallOf, phaseOf, shareOf } from "@/lib/overall";
import type { Item } from "@/stores/queue";

const sending = (sent: number, state = "sending") =>
  ({ job: null, upload: { state, sent, bytes: 100 } }) as unknown as Item;
const job = (status: string, done = 0) =>
  ({ upload: null, job: { status, progress: { done, total: 100 } } }) as unknown as Item;

describe("all files as one", () => {
  it("knows what each is at", () => {
    expect([sending(5), sending(5, "failed"), job("queued"), job("done")].map(phaseOf)).toEqual([
      "working",
      "undone",
      "working",
      "done",
    ]);
    expect(phaseOf(job("cancelled"))).toBe("undone");
  });

  it("counts work, not sending, and what failed as over", () => {
    expect([sending(50), job("running", 50), job("done"), job("failed")].map(shareOf)).toEqual([
      0, 0.5, 1, 1,
    ]);
  });

  it("tells the time left by what was done since the work began", () => {
    const items = [job("done"), job("running", 50), sending(50), job("failed")];
    expect(overallOf(items, 62.5)).toMatchObject({ count: 4, over: 2 });
    expect(overallOf(items, 62.5).leftS).toBeCloseTo(37.5);
    // Half of it was done when this page was opened.
    expect(overallOf(items, 12.5, 0.5).leftS).toBeCloseTo(37.5);
    expect(overallOf([sending(0), sending(1)], 60).leftS).toBeNull();
  });
});
