import { describe, expect, it } from "vitest";

import type { Settings } from "@/api/types";
import { DEFAULTS, describe as say, optionsOf, problemOf, type Choices } from "@/stores/choices";

const choice = (task: string, strength = false, available = true) => ({
  task,
  available,
  strength,
  image_model: available ? `${task}-photo` : null,
  video_model: available ? `${task}-video` : null,
  models: [],
  result: { denoise: "less noise", sharpen: "sharper" }[task] ?? "",
});
const SETTINGS = {
  options: [
    { name: "as_is", kinds: ["image"], type: "boolean", default: false },
    { name: "denoise", kinds: ["image"], type: "number", label: "Remove noise" },
  ],
  tasks: [choice("denoise", true), choice("upscale"), choice("sharpen", false, false)],
  formats: [
    { format: "png", kind: "image", suffix: ".png", type: "image/png", quality: false },
    { format: "webp", kind: "image", suffix: ".webp", type: "image/webp", quality: true },
  ],
} as unknown as Settings;

/** One with steps that a person chose. */
const steps = (...touches: Choices["touches"]) => ({ care: "steps" as const, touches });

const of = (changes: Partial<Choices>, kind: "image" | "video" = "image") =>
  optionsOf({ ...DEFAULTS, ...changes }, kind, SETTINGS);

describe("choices", () => {
  it("doubles the size unless told otherwise", () => {
    expect(of({})).toEqual({ scale: 2 });
  });

  it("leaves the choice to the server where only a size is wanted, unless told to repair nothing", () => {
    expect(of({ care: "as-is" })).toEqual({ scale: 2, as_is: true });
    expect(of({ care: "as-is" }, "video")).toEqual({ scale: 2 });
    expect(of({ care: "as-is", touches: ["denoise"] })).toEqual({ scale: 2, as_is: true });
    expect(of({ touches: ["denoise"] })).toEqual({ scale: 2 });
    expect(of({ enlarge: "keep" })).toEqual({ scale: 1 });
    expect(of({ models: { upscale: "espcn" } })).toEqual({ scale: 2, models: ["espcn"] });
  });

  it("says how much to repair where a person did, and only where it is repaired by that", () => {
    expect(of({ dials: { denoise: 0.4 } })).toEqual({ scale: 2, denoise: 0.4 });
    expect(of({ dials: { denoise: 0.4 } }, "video")).toEqual({ scale: 2 });
    expect(of({ dials: { denoise: 0.4 }, care: "as-is" })).toEqual({ scale: 2, as_is: true });
    expect(of({ dials: { denoise: 0.4 }, models: { upscale: "espcn" } })).not.toHaveProperty(
      "denoise",
    );
    // As long as the server has no such option it is not asked for.
    expect(of({ vivid: 0.7 })).toEqual({ scale: 2 });
    const vivid = { name: "vivid", kinds: ["image"], label: "Vivid" };
    const later = { ...SETTINGS, options: [...SETTINGS.options, vivid] } as unknown as Settings;
    expect(optionsOf({ ...DEFAULTS, vivid: 0.7 }, "image", later)).toEqual({
      scale: 2,
      vivid: 0.7,
    });
  });

  it("names tasks in the order in which they are done", () => {
    expect(of({ ...steps("denoise"), enlarge: 3 })).toEqual({
      scale: 3,
      tasks: ["denoise", "upscale"],
      strength: 1,
    });
  });

  it("asks for a strength only where a model has one", () => {
    expect(of({ strength: 0.4 }).strength).toBeUndefined();
    expect(of({ strength: 0.4, ...steps("denoise") }).strength).toBe(0.4);
  });

  it("fits into both sides of an exact size, and follows one", () => {
    const exact = (width: string, height: string) =>
      of({ enlarge: "exact", size: { width, height } });
    expect(exact("1,920", "")).toEqual({ width: 1920 });
    expect(exact("1920", "1080")).toMatchObject({ width: 1920, height: 1080, fit: true });
  });

  it("names the other models as the server would when one is named", () => {
    const named = { ...steps("denoise"), models: { upscale: "espcn" } };
    expect(of(named).models).toEqual(["denoise-photo", "espcn"]);
    expect(of(named, "video").models).toEqual(["denoise-video", "espcn"]);
    expect(of(named).tasks).toBeUndefined();
  });

  it("leaves out what lost its model since the last visit", () => {
    expect(of(steps("sharpen")).tasks).toEqual(["upscale"]);
  });

  it("sends a format only for files of its kind, and quality only where it counts", () => {
    const formats = { image: "png", video: null };
    expect(of({ formats, quality: 90 })).toEqual({ scale: 2, format: "png" });
    expect(of({ formats }, "video").format).toBeUndefined();
    expect(of({ formats: { image: "webp", video: null }, quality: 90 })).toMatchObject({
      format: "webp",
      quality: 90,
    });
  });

  it("says what is missing", () => {
    const exact = (width: string, height = "") =>
      problemOf({ ...DEFAULTS, enlarge: "exact", size: { width, height } }, 65_500);
    expect(problemOf({ ...DEFAULTS, ...steps(), enlarge: "keep" }, 65_500)).toMatch(/at least one/);
    expect(exact("")).toMatch(/width, a height/);
    expect(exact("5 00")).toBe("Correct the width.");
    expect(exact("500", "65501")).toBe("Correct the height.");
    expect(exact("500")).toBe("");
    expect(problemOf(DEFAULTS, 65_500)).toBe("");
  });

  it("is told in a few words", () => {
    expect(say({ scale: 2, tasks: ["denoise", "upscale"] }, SETTINGS)).toBe("×2 · less noise");
    expect(say({ scale: 2, as_is: true }, SETTINGS)).toBe("×2 · as it is");
    expect(say({ scale: 2, denoise: 0.4 }, SETTINGS)).toBe("×2 · remove noise 40 %");
    expect(say({ width: 800, height: null }, SETTINGS)).toBe("800 px wide");
    expect(say({ height: 600 }, SETTINGS)).toBe("600 px high");
    expect(say({ width: 800, height: 600 }, SETTINGS)).toBe("800 × 600");
  });
});
