import { describe, expect, it } from "vitest";

import { curvesOf, decades, extent, nearest, short, thin, ticks } from "@/lib/curves";
import { chartsOf, lastRows, stepsOf } from "@/lib/runs";

describe("curves", () => {
  it("leaves out what was not measured", () => {
    const columns = { step: [1, 2, 3], val_psnr: [null, 30, null], val_ssim: [null, null, null] };
    expect(curvesOf(columns, ["val_psnr", "val_ssim"])).toEqual([
      { name: "val_psnr", points: [[2, 30]] },
    ]);
  });

  it("keeps peaks when it thins", () => {
    const points = Array.from({ length: 1000 }, (_, x): [number, number] => [x, x === 777 ? 9 : 0]);
    const thinned = thin(points, 100);
    expect(thinned.length).toBeLessThanOrEqual(100);
    expect(thinned).toContainEqual([777, 9]);
    expect(thinned.map(([x]) => x)).toEqual(thinned.map(([x]) => x).toSorted((a, b) => a - b));
  });

  it("puts ticks at round numbers inside the range", () => {
    expect(ticks({ low: 0, high: 20_000 }, 4)).toEqual([0, 5000, 10_000, 15_000, 20_000]);
    expect(ticks({ low: 33.1, high: 37.9 }, 4)).toEqual([34, 36]);
    expect(decades({ low: 0.002, high: 3 })).toEqual([0.01, 0.1, 1]);
  });

  it("gives a single value and none at all a range", () => {
    expect(extent([5])).toEqual({ low: 2.5, high: 7.5 });
    expect(extent([])).toEqual({ low: 0, high: 1 });
    expect(extent([NaN, 1, 3])).toEqual({ low: 1, high: 3 });
  });

  it("finds the nearest point", () => {
    const points: [number, number][] = [0, 10, 20].map((x) => [x, x]);
    expect(nearest(points, 14)).toEqual([10, 10]);
    expect(nearest(points, 16)).toEqual([20, 20]);
    expect(nearest(points, -5)).toEqual([0, 0]);
    expect(nearest([], 1)).toBeUndefined();
  });

  it("says numbers short", () => {
    expect([0, 0.000_172, 37.6412, 12_500, 4.2e7].map(short)).toEqual([
      "0",
      "1.7e-4",
      "37.64",
      "12,500",
      "4.2e7",
    ]);
  });
});

describe("runs", () => {
  const columns = { step: [1, 2], loss: [0.5, 0.4], loss_l1: [0.3, 0.2], val_psnr: [null, 31] };

  it("charts what a log has, PSNR first", () => {
    expect(chartsOf({ columns }).map(({ title }) => title)).toEqual([
      "PSNR",
      "Loss",
      "Terms of the loss",
    ]);
    expect(chartsOf({ columns })[2]?.curves[0]?.name).toBe("l1");
  });

  it("lists the last rows, newest first", () => {
    const { names, rows } = lastRows({ ...columns, val_mse: [null, null] }, 1);
    expect(names).toEqual(["step", "loss", "loss_l1", "val_psnr"]);
    expect(rows).toEqual([[2, 0.4, 0.2, 31]]);
  });
});

describe("steps of a run", () => {
  it("are told of as many as were wanted, unless there are more", () => {
    expect(stepsOf({ step: 1200, steps: 8000 })).toBe("1.2 k of 8.0 k steps");
    expect(stepsOf({ step: 8000, steps: 1500 })).toBe("8.0 k steps");
  });
});
