import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { readCard, withDials, withResidualOutput, type Card, type Dials } from "../alone/lib/card";
import { dialsFor, modelFor, resultName, USUAL } from "../alone/lib/choices";
import { compressionOf } from "../alone/lib/compression";
import { turned } from "../alone/lib/decode";
import { rgba } from "../alone/lib/encode";
import { enhance } from "../alone/lib/enhance";
import { filled } from "../alone/lib/fill";
import { intoJpeg, intoPng, metadataOf, orientationOf, upright } from "../alone/lib/metadata";
import { Painter, seen } from "../alone/lib/paint";
import { blank, type Picture } from "../alone/lib/picture";
import { fields, lastFields, utf8 } from "../alone/lib/protobuf";
import { resized } from "../alone/lib/resize";
import { spans, windowShape } from "../alone/lib/tiling";
import figures from "./alone.figures.json";

type Told = Omit<Picture, "pixels"> & { pixels: number[] };

function made({ pixels, ...rest }: Told): Picture {
  const levels = rest.peak > 255 ? new Uint16Array(pixels) : new Uint8Array(pixels);
  return { ...rest, pixels: levels };
}

const whole = (length: number) => ({ start: 0, stop: length, coreStart: 0, coreStop: length });

function card(name: Partial<Card>): Card {
  return {
    name: "fixed",
    scale: 2,
    color: "luma",
    halo: 2,
    parameters: 100,
    dials: false,
    vivid: false,
    ...name,
  };
}

const farthest = (one: ArrayLike<number>, other: ArrayLike<number>) =>
  Math.max(...Array.from(one, (level, i) => Math.abs(level - (other[i] ?? NaN))));

describe("the arithmetic is that of Crispen itself", () => {
  test.each(figures.painted)("$color x$scale, $source.channels channels", (figure) => {
    const source = made(figure.source);
    const about = card({ scale: figure.scale, color: figure.color as Card["color"], halo: 12 });
    const { width, height } = source;
    expect(farthest(seen(source, about, whole(height), whole(width)), figure.seen)).toBeLessThan(
      1e-6,
    );
    const result = blank(source, width * figure.scale, height * figure.scale);
    const residual = new Float32Array(figure.residual);
    new Painter(source, result, about).paint(residual, whole(height), whole(width));
    expect(result.channels).toBe(figure.result.channels);
    // Halves are rounded to even there and up here.
    expect(farthest(result.pixels, figure.result.pixels)).toBeLessThanOrEqual(1);
    const same = result.pixels.filter((level, i) => level === figure.result.pixels[i]);
    expect(same.length / result.pixels.length).toBeGreaterThan(0.99);
  });

  test.each(figures.filled)("hidden colour of $source.channels channels", (figure) => {
    const result = filled(made(figure.source), figure.radius);
    expect([...result.pixels]).toEqual(figure.result.pixels);
  });

  test.each(figures.resized)("to $result.width x $result.height", (figure) => {
    const result = resized(made(figure.source), figure.result.width, figure.result.height);
    expect(farthest(result.pixels, figure.result.pixels)).toBeLessThanOrEqual(1);
  });

  test.each(figures.spans)("$length in windows of $window", (figure) => {
    const found = spans(figure.length, figure.window, figure.halo);
    const told = found.map((span) => [span.start, span.stop, span.coreStart, span.coreStop]);
    expect(told).toEqual(figure.spans);
  });

  test.each(figures.compressed)("a JPEG of dial $dial", (figure) => {
    expect(compressionOf(new Uint8Array(figure.file))).toBeCloseTo(figure.dial, 5);
  });
});

/** A network of one 5x5 convolution that sees two pixels far, zeros beyond the picture. */
function blurring(about: Card) {
  const planes = (about.color === "luma" ? 1 : 3) * about.scale ** 2;
  return {
    card: about,
    lanes: 2,
    answer: (x: Float32Array, rows: number, columns: number) => {
      const out = new Float32Array(planes * rows * columns);
      const at = (row: number, column: number) =>
        row < 0 || column < 0 || row >= rows || column >= columns
          ? 0
          : (x[row * columns + column] ?? 0);
      for (let i = 0; i < out.length; i += 1) {
        const plane = Math.floor(i / (rows * columns));
        const row = Math.floor(i / columns) % rows;
        let sum = 0;
        for (let dy = -2; dy <= 2; dy += 1) {
          for (let dx = -2; dx <= 2; dx += 1)
            sum += at(row + dy, (i % columns) + dx) * (dy + 2 * dx);
        }
        out[i] = (sum * (plane + 1)) / 100;
      }
      return Promise.resolve(out);
    },
    close: () => Promise.resolve(),
  };
}

function noise(width: number, height: number, channels: number): Picture {
  let state = 1;
  const pixels = Uint8Array.from({ length: width * height * channels }, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
  return { width, height, channels, peak: 255, pixels };
}

describe("tiles", () => {
  test.each([
    { color: "luma", scale: 2, channels: 3 },
    { color: "luma", scale: 3, channels: 2 },
    { color: "rgb", scale: 2, channels: 4 },
    { color: "rgb", scale: 4, channels: 1 },
  ] as const)("together are the whole: $color x$scale", async ({ color, scale, channels }) => {
    const network = blurring(card({ color, scale }));
    const source = noise(61, 47, channels);
    const shares: number[] = [];
    const once = await enhance(source, network, scale, undefined, 1e6);
    const tiled = await enhance(source, network, scale, (share) => shares.push(share), 500);
    expect(shares.length).toBeGreaterThan(4);
    expect(shares.at(-1)).toBe(1);
    expect(tiled.pixels).toEqual(once.pixels);
  });

  test("a smaller size than the network's own is made of its result", async () => {
    const network = blurring(card({ scale: 4 }));
    const result = await enhance(noise(20, 10, 3), network, 3);
    expect([result.width, result.height]).toEqual([60, 30]);
  });

  test("a result that no tab can hold is refused at once", async () => {
    const source = {
      width: 20000,
      height: 10000,
      channels: 1,
      peak: 255,
      pixels: new Uint8Array(),
    };
    await expect(enhance(source, blurring(card({})), 2)).rejects.toThrow("smaller size");
  });

  test("windows hold few pixels and part the picture", () => {
    for (const [width, height] of [
      [960, 540],
      [6000, 4000],
      [13, 9000],
    ] as const) {
      const { rows, columns } = windowShape(width, height, { halo: 12, parameters: 24_000 });
      expect(rows * columns).toBeLessThan(150_000);
      const cores = spans(width, columns, 12).map((s) => s.coreStop - s.coreStart);
      expect(cores.reduce((sum, core) => sum + core)).toBe(width);
    }
  });
});

describe("model files", () => {
  const real = new Uint8Array(readFileSync("../src/crispen/models/shipped/real-x2.onnx"));

  test("say what they are", () => {
    expect(readCard(real)).toMatchObject({ name: "real-x2", scale: 2, color: "rgb", dials: true });
    expect(() => readCard(real.subarray(0, 1000))).toThrow("cut off");
  });

  test("take dials in place of their own", () => {
    const dials: Dials = { noise: 0.25, compression: null, blur: 1, vivid: null };
    const told = (file: Uint8Array) => {
      const graph = [...fields(file)].find(({ number }) => number === 7);
      const tensors = [...fields(graph?.content ?? new Uint8Array())]
        .filter(({ number }) => number === 5)
        .map(({ content }) => lastFields(content));
      const found = tensors.find((parts) => utf8(parts.get(8)) === "dials");
      return [...new Float32Array(found?.get(9)?.slice().buffer ?? new ArrayBuffer(0))];
    };
    expect(told(withDials(real, dials))).toEqual([0.25, 1, 0, 0, 1, 1]);
    expect(told(real)).toHaveLength(6);
  });

  test("give their residual, too", () => {
    const graphs = [...fields(withResidualOutput(real))].filter(({ number }) => number === 7);
    expect(graphs).toHaveLength(2);
    const output = lastFields(graphs[1]?.content ?? new Uint8Array()).get(12);
    expect(utf8(lastFields(output ?? new Uint8Array()).get(1))).toBe("residual");
  });
});

describe("choices", () => {
  test("lead to a network", () => {
    expect(modelFor("real", 3)).toBe("real-x4");
    expect(modelFor("photo-fast", 3)).toBe("photo-fast-x3");
  });

  test("leave blur alone unless it is asked for", () => {
    expect(dialsFor(USUAL, 0.463)).toEqual({
      noise: null,
      compression: 0.45,
      blur: 0,
      vivid: null,
    });
    const vivid = dialsFor({ ...USUAL, kind: "vivid" }, null);
    expect(vivid).toEqual({ noise: null, compression: null, blur: null, vivid: 1 });
  });

  test("name the result", () => {
    expect(resultName("a.b.JPG", 2, "jpeg")).toBe("a.b.x2.JPG");
    expect(resultName("a.jpg", 4, "png")).toBe("a.x4.png");
    expect(resultName("photo", 2, "webp")).toBe("photo.x2.webp");
  });
});

describe("metadata", () => {
  // Big endian, one entry: the orientation, 6.
  const exif = new Uint8Array([
    77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0,
  ]);
  const icc = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  const xmp = new TextEncoder().encode("<x:xmpmeta/>");
  const jpeg = new Uint8Array(figures.compressed[0]?.file ?? []);

  test("goes from JPEG to JPEG, upright", async () => {
    const file = intoJpeg(jpeg, upright({ exif, icc, xmp }));
    const found = await metadataOf(file);
    expect(orientationOf(exif)).toBe(6);
    expect(orientationOf(found.exif)).toBe(1);
    expect(found.icc).toEqual(icc);
    expect(found.xmp).toEqual(xmp);
  });

  test("goes into a PNG and out of it", async () => {
    const { encode, decode } = await import("fast-png");
    const plain = encode({ width: 2, height: 1, channels: 1, data: new Uint8Array([7, 8]) });
    const file = await intoPng(plain, { exif, icc, xmp });
    expect(await metadataOf(file)).toEqual({ exif, icc, xmp });
    // Its checksums are right, and its profile is one.
    const read = decode(file, { checkCrc: true });
    expect([...read.data]).toEqual([7, 8]);
    expect(read.iccEmbeddedProfile?.profile).toEqual(icc);
  });

  test.each([
    [1, [1, 2, 3, 4, 5, 6]],
    [2, [3, 2, 1, 6, 5, 4]],
    [3, [6, 5, 4, 3, 2, 1]],
    [4, [4, 5, 6, 1, 2, 3]],
    [5, [1, 4, 2, 5, 3, 6]],
    [6, [4, 1, 5, 2, 6, 3]],
    [7, [6, 3, 5, 2, 4, 1]],
    [8, [3, 6, 2, 5, 1, 4]],
  ])("orientation %i turns the picture upright", (orientation, expected) => {
    const pixels = new Uint8Array([1, 2, 3, 4, 5, 6]);
    const source = { width: 3, height: 2, channels: 1, peak: 255, pixels };
    const result = turned(source, orientation);
    expect([...result.pixels]).toEqual(expected);
    expect(result.width).toBe(orientation > 4 ? 2 : 3);
  });

  test("JPEG lays what is transparent on white", () => {
    const pixels = new Uint8Array([100, 0, 100, 255]);
    const source = { width: 2, height: 1, channels: 2, peak: 255, pixels };
    expect([...rgba(source, true)]).toEqual([255, 255, 255, 255, 100, 100, 100, 255]);
    expect([...rgba(source, false)]).toEqual([100, 100, 100, 0, 100, 100, 100, 255]);
  });
});
