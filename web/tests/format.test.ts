import { describe, expect, it } from "vitest";

import * as format from "@/lib/format";

describe("format", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1536, "1.5 kB"],
    [9_960_000, "10 MB"],
    [999_600, "1.0 MB"],
    [4_294_967_296, "4.3 GB"],
  ])("%d bytes are %s", (count, text) => {
    expect(format.bytes(count)).toBe(text);
  });

  it.each([
    [0, "0 s"],
    [0.48, "0.5 s"],
    [3, "3 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [61, "1 min 1 s"],
    [3725, "1 h 2 min"],
    [200_000, "2 d 7 h"],
  ])("%d seconds last %s", (seconds, text) => {
    expect(format.duration(seconds)).toBe(text);
  });

  it.each([
    [2, "a few seconds left"],
    [12, "about 15 s left"],
    [170, "about 3 min left"],
    [7300, "about 2 h left"],
  ])("%d seconds to go are told as %s", (seconds, text) => {
    expect(format.timeLeft(seconds)).toBe(text);
  });

  it("is never at 100 percent before the end", () => {
    expect(format.percent(9999, 10_000)).toBe(99);
    expect(format.percent(10_000, 10_000)).toBe(100);
    expect(format.percent(5, 0)).toBe(0);
  });

  it("tells rates in the unit of the work", () => {
    expect(format.rate(2_500_000, "px")).toBe("2.5 MP/s");
    expect(format.rate(31.6, "frames")).toBe("32 frames/s");
    expect(format.rate(1_200_000, "bytes")).toBe("1.2 MB/s");
  });

  it("reads clocks, places and lists", () => {
    expect(format.clock(75.5)).toBe("1:15.50");
    expect([1, 2, 3, 11, 22].map(format.ordinal)).toEqual(["1st", "2nd", "3rd", "11th", "22nd"]);
    expect(format.listed(["a", "b"])).toBe("a or b");
    expect(format.plural(1, "file")).toBe("1 file");
    expect(format.plural(2000, "file")).toBe("2,000 files");
    expect(format.compact(1_110_403)).toBe("1.1 M");
    expect(format.dimensions(3, null)).toBe("");
  });

  it("says the time for today and the date for other days", () => {
    const now = new Date(2026, 4, 6, 12);
    expect(format.moment(new Date(2026, 4, 6, 9, 30).toISOString(), now)).toMatch(/30/);
    expect(format.moment(new Date(2025, 4, 6).toISOString(), now)).toMatch(/2025/);
    expect(format.moment("", now)).toBe("");
  });
});
