/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** Gives hidden pixels the colour of their visible neighbours; see `crispen.enhance.fill`. */

import { hasAlpha, type Picture } from "./picture";

/** Sums over squares of `2 * radius + 1`, cut at the border; whole numbers, hence exact. */
function boxSums(
  values: Float64Array,
  width: number,
  height: number,
  radius: number,
): Float64Array {
  const along = (
    source: Float64Array,
    count: number,
    step: number,
    lines: number,
    jump: number,
  ) => {
    const sums = new Float64Array(source.length);
    const total = new Float64Array(count + 1);
    for (let line = 0; line < lines; line += 1) {
      const begin = line * jump;
      for (let i = 0; i < count; i += 1) total[i + 1] = total[i]! + source[begin + i * step]!;
      for (let i = 0; i < count; i += 1) {
        const high = total[Math.min(i + radius + 1, count)]!;
        sums[begin + i * step] = high - total[Math.max(i - radius, 0)]!;
      }
    }
    return sums;
  };
  return along(along(values, height, width, width, 1), width, 1, height, width);
}

/** The picture with colour under alpha 0 taken from within `radius`; itself if nothing is hidden. */
export function filled(source: Picture, radius: number): Picture {
  if (!hasAlpha(source)) return source;
  const { width, height, channels, pixels } = source;
  const colors = channels - 1;
  const alphas = new Float64Array(width * height);
  const hidden = new Set<number>();
  for (let i = 0; i < alphas.length; i += 1) {
    alphas[i] = pixels[i * channels + colors]!;
    if (alphas[i] === 0) hidden.add(i);
  }
  if (hidden.size === 0) return source;
  const out = pixels.slice();
  for (const i of hidden) out.fill(0, i * channels, (i + 1) * channels);
  const weighted = Array.from({ length: colors }, (_, c) =>
    alphas.map((alpha, i) => alpha * pixels[i * channels + c]!),
  );
  for (let reach = 1; hidden.size > 0; reach *= 2) {
    const radiusNow = Math.min(reach, radius);
    const weights = boxSums(alphas, width, height, radiusNow);
    const sums = weighted.map((plane) => boxSums(plane, width, height, radiusNow));
    for (const i of hidden) {
      const near = weights[i]!;
      if (near === 0) continue;
      sums.forEach((plane, c) => {
        out[i * channels + c] = Math.floor((plane[i]! + Math.floor(near / 2)) / near);
      });
      hidden.delete(i);
    }
    if (radiusNow === radius) break;
  }
  return { ...source, pixels: out };
}
