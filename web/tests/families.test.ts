import { describe, expect, it } from "vitest";

import type { Model } from "@/api/types";
import { familiesOf, praiseOf } from "@/lib/families";

const model = (name: string, scale: number, more: Partial<Model> = {}) =>
  ({
    name,
    stem: name.replace(/-x\d+$/, ""),
    scale,
    task: "upscale",
    results: [],
    own: false,
    rank: null,
    use: "",
    photo_s: null,
    ...more,
  }) as unknown as Model;
const scored = (psnr: number) => ({ results: [{ data: "Set5", psnr }] }) as Partial<Model>;

const MODELS = [
  model("srcnn-x2", 2, { ...scored(35), photo_s: 12 }),
  model("quick-x2", 2, { ...scored(36), rank: 1, photo_s: 0.7 }),
  model("photo-x4", 4, { ...scored(31), rank: 0 }),
  model("photo-x2", 2, { ...scored(37), rank: 0, photo_s: 2.5 }),
  model("mine", 2, { own: true }),
];

describe("families", () => {
  it("hold the models that differ by scale, the recommended ones first", () => {
    const families = familiesOf(MODELS);
    expect(families.map(({ stem }) => stem)).toEqual(["photo", "quick", "mine", "srcnn"]);
    expect(families[0]?.models.map(({ scale }) => scale)).toEqual([2, 4]);
  });

  it("are the best or the fastest of those that enlarge, among the recommended", () => {
    const families = familiesOf(MODELS);
    expect(families.map((family) => praiseOf(family, families))).toEqual([
      "Best quality",
      "Fastest",
      "",
      "",
    ]);
    const alone = familiesOf(MODELS.slice(2, 4));
    expect(alone.map((family) => praiseOf(family, alone))).toEqual([""]);
  });
});
