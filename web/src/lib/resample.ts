/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** Pictures enlarged by nearest, bilinear or bicubic interpolation, pixel centres aligned. */

export type Method = "nearest" | "bilinear" | "bicubic";

/** Interpolation kernels and how far they reach, in input pixels. */
const KERNELS: Record<Method, { reach: number; weight: (distance: number) => number }> = {
  nearest: { reach: 0.5, weight: (d) => (d >= -0.5 && d < 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) },
  // Keys 1981 with a = -0.5: what MATLAB's imresize calls bicubic, as in Crispen's benchmarks.
  bicubic: {
    reach: 2,
    weight: (distance) => {
      const d = Math.abs(distance);
      if (d <= 1) return (1.5 * d - 2.5) * d * d + 1;
      if (d < 2) return ((-0.5 * d + 2.5) * d - 4) * d + 2;
      return 0;
    },
  },
};

/** For each output position: the input positions it is made of; outside, the edge repeats. */
export interface Taps {
  count: number;
  positions: Int32Array;
  weights: Float32Array;
}

export function makeTaps(from: number, to: number, method: Method): Taps {
  const { reach, weight } = KERNELS[method];
  const count = method === "nearest" ? 1 : 2 * reach;
  const positions = new Int32Array(to * count);
  const weights = new Float32Array(to * count);
  const step = from / to;
  for (let index = 0; index < to; index += 1) {
    const centre = (index + 0.5) * step - 0.5;
    const first = method === "nearest" ? Math.floor(centre + 0.5) : Math.floor(centre) - reach + 1;
    let sum = 0;
    for (let tap = 0; tap < count; tap += 1) {
      const share = method === "nearest" ? 1 : weight(centre - (first + tap));
      weights[index * count + tap] = share;
      sum += share;
      positions[index * count + tap] = Math.min(Math.max(first + tap, 0), from - 1);
    }
    for (let tap = 0; tap < count; tap += 1) weights[index * count + tap]! /= sum;
  }
  return { count, positions, weights };
}

/**
 * RGBA bytes of `width` × `height` at another size; columns first, so that one row is enough memory.
 *
 * Colours count by their alpha: the invisible colour of a transparent pixel must not darken its
 * neighbours.
 */
export function resample(
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
  method: Method,
): Uint8ClampedArray<ArrayBuffer> {
  const across = makeTaps(width, toWidth, method);
  const down = makeTaps(height, toHeight, method);
  const output = new Uint8ClampedArray(toWidth * toHeight * 4);
  const line = new Float32Array(width * 4);
  for (let y = 0; y < toHeight; y += 1) {
    line.fill(0);
    for (let tap = 0; tap < down.count; tap += 1) {
      const row = down.positions[y * down.count + tap]! * width * 4;
      const share = down.weights[y * down.count + tap]!;
      for (let index = 0; index < line.length; index += 4) {
        const alpha = share * pixels[row + index + 3]!;
        line[index]! += alpha * pixels[row + index]!;
        line[index + 1]! += alpha * pixels[row + index + 1]!;
        line[index + 2]! += alpha * pixels[row + index + 2]!;
        line[index + 3]! += alpha;
      }
    }
    for (let x = 0; x < toWidth; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      for (let tap = 0; tap < across.count; tap += 1) {
        const at = across.positions[x * across.count + tap]! * 4;
        const share = across.weights[x * across.count + tap]!;
        red += share * line[at]!;
        green += share * line[at + 1]!;
        blue += share * line[at + 2]!;
        alpha += share * line[at + 3]!;
      }
      const at = (y * toWidth + x) * 4;
      output[at] = red / alpha;
      output[at + 1] = green / alpha;
      output[at + 2] = blue / alpha;
      output[at + 3] = alpha;
    }
  }
  return output;
}
