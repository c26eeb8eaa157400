import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { subscribe } from "@/api/events";

class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  close(): void {
    this.closed = true;
  }
}

describe("subscribe", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    FakeSource.all = [];
    vi.stubGlobal("EventSource", FakeSource);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("hands over events by name", () => {
    const job = vi.fn();
    subscribe("/events", { broken: vi.fn(), on: { job } });
    FakeSource.all[0]?.dispatchEvent(new MessageEvent("job", { data: '{"id":"a"}' }));
    expect(FakeSource.all[0]?.url).toBe("/api/v1/events");
    expect(job).toHaveBeenCalledWith({ id: "a" });
  });

  it("opens again after a break, later each time, and at once again after it worked", () => {
    const broken = vi.fn();
    subscribe("/events", { broken, on: {} });
    FakeSource.all[0]?.onerror?.();
    expect(FakeSource.all[0]?.closed).toBe(true);
    vi.advanceTimersByTime(1000);
    FakeSource.all[1]?.onerror?.();
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(3);
    FakeSource.all[2]?.onopen?.();
    FakeSource.all[2]?.onerror?.();
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(4);
    expect(broken).toHaveBeenCalledTimes(3);
  });

  it("stays closed once it is told to stop", () => {
    const stop = subscribe("/events", { broken: vi.fn(), on: {} });
    FakeSource.all[0]?.onerror?.();
    stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.all).toHaveLength(1);
  });
});
