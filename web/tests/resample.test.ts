import { describe, expect, it } from "vitest";

import { makeTaps, resample, type Method } from "@/lib/resample";

const ROW = [10, 200, 30, 120, 90, 250, 0, 60];

/** One row of grey as RGBA bytes, and back. */
const rgba = (row: number[]) => new Uint8ClampedArray(row.flatMap((v) => [v, v, v, 255]));
const grey = (pixels: Uint8ClampedArray) => [...pixels].filter((_, index) => index % 4 === 0);

describe("resample", () => {
  // Image.resize of Pillow 13.0.0 in mode F; it treats the outermost pixels in its own way.
  it.each<[Method, number[]]>([
    ["bicubic", [177, 63, 37, 100, 116, 87, 126, 234]],
    ["bilinear", [158, 73, 53, 98, 113, 98, 130, 210]],
  ])("%s equals Pillow inside", (method, expected) => {
    const enlarged = grey(resample(rgba(ROW), 8, 1, 16, 1, method));
    for (const [index, value] of expected.entries()) {
      expect(Math.abs((enlarged[index + 3] ?? 0) - value)).toBeLessThanOrEqual(1);
    }
  });

  it("nearest repeats pixels, across and down", () => {
    const enlarged = resample(rgba([1, 2, 3, 4]), 2, 2, 4, 4, "nearest");
    expect(grey(enlarged)).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  });

  it.each<Method>(["nearest", "bilinear", "bicubic"])("%s leaves an even grey even", (method) => {
    const enlarged = resample(rgba(Array<number>(15).fill(77)), 5, 3, 17, 8, method);
    expect(new Set(grey(enlarged))).toEqual(new Set([77]));
  });

  it("weights add up to 1 and positions are inside, at odd factors too", () => {
    const { count, positions, weights } = makeTaps(7, 19, "bicubic");
    for (let index = 0; index < 19; index += 1) {
      const part = [...weights.subarray(index * count, (index + 1) * count)];
      expect(part.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
    expect(Math.min(...positions)).toBe(0);
    expect(Math.max(...positions)).toBe(6);
  });

  it("keeps transparency", () => {
    const enlarged = resample(new Uint8ClampedArray(16), 2, 2, 6, 6, "bicubic");
    expect(enlarged.every((value) => value === 0)).toBe(true);
  });

  it("lets no hidden colour of a transparent pixel bleed into its neighbour", () => {
    const pair = new Uint8ClampedArray([200, 100, 50, 255, 0, 0, 0, 0]);
    const enlarged = resample(pair, 2, 1, 8, 1, "bilinear");
    for (let at = 0; at < enlarged.length; at += 4) {
      if (enlarged[at + 3]) expect([...enlarged.slice(at, at + 3)]).toEqual([200, 100, 50]);
    }
  });
});
