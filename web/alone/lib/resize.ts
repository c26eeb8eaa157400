/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** The final change of size, and alpha beside a network; see `crispen.enhance.resize`. */

import { blank, hasAlpha, type Picture } from "./picture";
import { bicubicTaps } from "./taps";

/**
 * The picture at another size, bicubic and antialiased, rounded half up.
 *
 * Colour is weighted by alpha, so that what is hidden under transparent pixels never shows.
 */
export function resized(source: Picture, width: number, height: number): Picture {
  if (source.width === width && source.height === height) return source;
  const { channels, peak, pixels } = source;
  const result = blank(source, width, height);
  const down = bicubicTaps(source.height, height);
  const across = bicubicTaps(source.width, width);
  const alpha = hasAlpha(source);
  const colors = alpha ? channels - 1 : channels;
  const line = new Float32Array(source.width * channels);
  const sums = new Float32Array(channels);
  for (let y = 0; y < height; y += 1) {
    line.fill(0);
    for (let tap = 0; tap < down.count; tap += 1) {
      const weight = down.weights[y * down.count + tap]!;
      let at = down.positions[y * down.count + tap]! * line.length;
      for (let x = 0; x < line.length; x += channels, at += channels) {
        const share = alpha ? (weight * pixels[at + colors]!) / peak : weight;
        for (let c = 0; c < colors; c += 1) line[x + c]! += share * pixels[at + c]!;
        if (alpha) line[x + colors]! += weight * pixels[at + colors]!;
      }
    }
    let out = y * width * channels;
    for (let x = 0; x < width; x += 1, out += channels) {
      sums.fill(0);
      for (let tap = 0; tap < across.count; tap += 1) {
        const weight = across.weights[x * across.count + tap]!;
        const at = across.positions[x * across.count + tap]! * channels;
        for (let c = 0; c < channels; c += 1) sums[c]! += weight * line[at + c]!;
      }
      // Where alpha rounds to nothing there is no colour to tell.
      const opaque = alpha ? sums[colors]! : peak;
      const share = opaque >= 0.5 ? peak / opaque : 0;
      for (let c = 0; c < channels; c += 1) {
        const level = sums[c]! * (c < colors ? share : 1);
        result.pixels[out + c] = Math.min(peak, Math.max(0, Math.floor(level + 0.5)));
      }
    }
  }
  return result;
}
