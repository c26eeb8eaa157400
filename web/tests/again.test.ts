import { describe, expect, it } from "vitest";

import type { Job, Settings } from "@/api/types";
import { labelOfResult, siblingsOf } from "@/lib/siblings";
import { choicesOf, optionsOf } from "@/stores/choices";

const task = (name: string) => ({
  task: name,
  available: true,
  strength: name !== "upscale",
  image_model: `${name}-photo`,
  video_model: `${name}-photo`,
  models: [`${name}-photo`, `${name}-other`],
  result: name === "denoise" ? "less noise" : "",
});
const SETTINGS = {
  options: [
    { name: "as_is", kinds: ["image"], type: "boolean", default: false, many: false },
    { name: "denoise", kinds: ["image"], type: "number", label: "Remove noise", many: false },
  ],
  tasks: [task("denoise"), task("upscale")],
  formats: [{ format: "webp", kind: "image", quality: true, codecs: [] }],
} as unknown as Settings;

describe("what was asked for", () => {
  it.each([
    { scale: 2 },
    { scale: 1 },
    { scale: 4, as_is: true },
    { scale: 2, denoise: 0.4 },
    { width: 800, height: 600, fit: true },
    { scale: 3, format: "webp", quality: 90 },
    { scale: 2, tasks: ["denoise", "upscale"], strength: 0.5 },
    { tasks: ["denoise"], strength: 1 },
    { scale: 2, models: ["denoise-other", "upscale-photo"], strength: 1 },
  ] as Parameters<typeof choicesOf>[0][])("%j is asked for again by its choices", (options) => {
    expect(optionsOf(choicesOf(options, SETTINGS, "image/png"), "image", SETTINGS)).toEqual(
      options,
    );
  });
});

it("a format is that of the kind of file that it was asked for", () => {
  const formats = (format: "gif" | "mp4", source: string) =>
    choicesOf({ format }, SETTINGS, source).formats;
  expect(formats("gif", "video/mp4")).toEqual({ image: null, video: "gif" });
  expect(formats("gif", "image/gif")).toEqual({ image: "gif", video: null });
  expect(formats("mp4", "image/gif")).toEqual({ image: "mp4", video: null });
});

describe("results of one file", () => {
  const job = (id: string, more: Partial<Job> = {}) =>
    ({
      id,
      name: "a.jpg",
      kind: "image",
      status: "done",
      created: Number(id),
      source: { bytes: 10, width: 4, height: 3 },
      options: { scale: 2 },
      models: ["real-x2"],
      ...more,
    }) as unknown as Job;

  it("are those of its name, bytes and size that are finished, oldest first", () => {
    const mine = job("3");
    const others = [
      job("2"),
      job("1"),
      job("4", { status: "failed" }),
      job("5", { name: "b.jpg" }),
      job("6", { source: { ...mine.source, bytes: 11 } }),
    ];
    expect(siblingsOf(mine, [mine, ...others]).map(({ id }) => id)).toEqual(["1", "2"]);
  });

  it("are called by what was asked for and what did it", () => {
    const moved = job("1", { options: { scale: 2, denoise: 0.4 } as Job["options"] });
    expect(labelOfResult(moved, SETTINGS)).toBe("×2 · remove noise 40 % · real-x2");
  });
});
