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
  options: [{ name: "as_is", kinds: ["image"], type: "boolean", default: false }],
  tasks: [choice("denoise", true), choice("upscale"), choice("sharpen", false, false)],
  formats: [
    { format: "png", kind: "image", suffix: ".png", type: "image/png", quality: false },
    { format: "webp", kind: "image", suffix: ".webp", type: "image/webp", quality: true },
  ],
} as unknown as Settings;

const of = (changes: Partial<Choices>, kind: "image" | "video" = "image") =>
  optionsOf({ ...DEFAULTS, ...changes }, kind, SETTINGS);

describe("choices", () => {
  it("doubles the size unless told otherwise", () => {
    expect(of({})).toEqual({ scale: 2 });
  });

  it("leaves the choice to the server where only a size is wanted, unless told to repair nothing", () => {
    expect(of({ care: "as-is" })).toEqual({ scale: 2, as_is: true });
    expect(of({ care: "as-is" }, "video")).toEqual({ scale: 2 });
    expect(of({ care: "as-is", touches: ["denoise"] }).tasks).toEqual(["denoise", "upscale"]);
    expect(of({ care: "as-is", touches: ["denoise"] }).as_is).toBeUndefined();
    expect(of({ models: { upscale: "espcn" } })).toEqual({ scale: 2, models: ["espcn"] });
  });

  it("names tasks in the order in which they are done", () => {
    expect(of({ touches: ["denoise"], enlarge: 3 })).toEqual({
      scale: 3,
      tasks: ["denoise", "upscale"],
      strength: 1,
    });
  });

  it("asks for a strength only where a model has one", () => {
    expect(of({ strength: 0.4 }).strength).toBeUndefined();
    expect(of({ strength: 0.4, touches: ["denoise"] }).strength).toBe(0.4);
  });

  it("fits into both sides of an exact size, and follows one", () => {
    const exact = (width: string, height: string) =>
      of({ enlarge: "exact", size: { width, height } });
    expect(exact("1,920", "")).toEqual({ width: 1920 });
    expect(exact("1920", "1080")).toMatchObject({ width: 1920, height: 1080, fit: true });
  });

  it("names the other models as the server would when one is named", () => {
    const named = { touches: ["denoise" as const], models: { upscale: "espcn" } };
    expect(of(named).models).toEqual(["denoise-photo", "espcn"]);
    expect(of(named, "video").models).toEqual(["denoise-video", "espcn"]);
    expect(of(named).tasks).toBeUndefined();
  });

  it("leaves out what lost its model since the last visit", () => {
    expect(of({ touches: ["sharpen"] }).tasks).toEqual(["upscale"]);
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
    expect(problemOf({ ...DEFAULTS, enlarge: "keep" }, 65_500)).toMatch(/at least one/);
    expect(exact("")).toMatch(/width, a height/);
    expect(exact("5 00")).toBe("Correct the width.");
    expect(exact("500", "65501")).toBe("Correct the height.");
    expect(exact("500")).toBe("");
    expect(problemOf(DEFAULTS, 65_500)).toBe("");
  });

  it("is told in a few words", () => {
    expect(say({ scale: 2, tasks: ["denoise", "upscale"] }, SETTINGS)).toBe("×2 · less noise");
    expect(say({ scale: 2, as_is: true }, SETTINGS)).toBe("×2 · as it is");
    expect(say({ width: 800, height: null }, SETTINGS)).toBe("800 px wide");
    expect(say({ height: 600 }, SETTINGS)).toBe("600 px high");
    expect(say({ width: 800, height: 600 }, SETTINGS)).toBe("800 × 600");
  });
});
