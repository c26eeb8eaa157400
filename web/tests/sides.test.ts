import { describe, expect, it } from "vitest";

import { pixels, sideProblem } from "@/lib/sides";

describe("sides", () => {
  it.each([
    "1920",
    " 1920 ",
    "1,920",
    "1.920",
    "1 920",
    "1\u202f920",
    "1’920",
    "1920 px",
    "1920px",
  ])("reads %j", (text) => {
    expect(pixels(text)).toBe(1920);
  });

  it.each(["5 00", "1,92", "1,920.000", "-5", "1e3", "0", "12.5", "wide", "19200,000"])(
    "does not guess what %j means",
    (text) => {
      expect(pixels(text)).toBeNull();
      expect(sideProblem(text, 65_500)).toMatch(/whole pixels/);
    },
  );

  it("knows the limit, and that a side may be left out", () => {
    expect(sideProblem("65,501", 65_500)).toBe("Enter at most 65,500 pixels.");
    expect(sideProblem("65500", 65_500)).toBe("");
    expect(sideProblem(" ", 65_500)).toBe("");
  });
});
