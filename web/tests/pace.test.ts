import { describe, expect, it } from "vitest";

import { pieceAt, pieceParams } from "@/lib/crop";
import { paceOf, secondsFor } from "@/lib/pace";
import type { Settings } from "@/api/types";

const sample = (models: string[], pixels: number, seconds: number) => ({ models, pixels, seconds });

describe("how long it will take", () => {
  it("is told by the largest work of the same models", () => {
    const samples = [
      sample(["a"], 100, 9), // mostly starting
      sample(["a"], 1000, 2),
      sample(["a"], 1000, 1),
      sample(["a", "b"], 9000, 90),
    ];
    expect(paceOf(["a"], samples)).toBe(0.001);
    expect(secondsFor(["a"], 5000, samples)).toBe(5);
    expect(secondsFor(["a", "b"], 100, samples)).toBe(1);
    expect(secondsFor(["b", "a"], 100, samples)).toBeNull();
    expect(paceOf(["a"], [sample(["a"], 0, 1), sample(["a"], 10, 0)])).toBeNull();
  });
});

describe("the piece that is tried out", () => {
  const box = { width: 320, height: 200 };
  const picture = { width: 1000, height: 500 };

  it("fills its box pixel by pixel, and stays inside", () => {
    expect(pieceAt({ x: 500, y: 250 }, picture, box, 2)).toEqual({
      x: 420,
      y: 200,
      width: 160,
      height: 100,
    });
    expect(pieceAt({ x: 0, y: 999 }, picture, box, 1)).toMatchObject({ x: 0, y: 300 });
    expect(pieceAt({ x: 5, y: 5 }, { width: 30, height: 20 }, box, 2)).toEqual({
      x: 0,
      y: 0,
      width: 30,
      height: 20,
    });
    expect(pieceAt({ x: 500, y: 250 }, picture, box, 16)).toMatchObject({ width: 48, height: 48 });
  });

  it("is asked for as the whole would be", () => {
    const option = (name: string, word: string, kinds = ["image"]) => ({ name, word, kinds });
    const settings = {
      options: [
        option("scale", "scale"),
        option("tasks", "task"),
        option("strength", "strength"),
        option("as_is", "as_is"),
        option("quality", "quality"),
        option("codec", "codec", ["video"]),
      ],
    } as unknown as Settings;
    const wish = { width: 900, tasks: ["denoise", "upscale"], strength: 0.5, quality: 9 } as const;
    const params = pieceParams({ ...wish, tasks: [...wish.tasks] }, 1.5, 80, settings);
    expect(params.toString()).toBe(
      "format=png&scale=1.5&task=denoise&task=upscale&strength=0.5&jpeg_step=80",
    );
    expect(pieceParams({ as_is: false, codec: "h264" }, 1, null, settings).toString()).toBe(
      "format=png",
    );
  });
});
