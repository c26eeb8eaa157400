/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** Keys' bicubic with a = -0.5, antialiased where it shrinks; see `crispen.media.resample`. */

/** Output sample i is the sum over k of `weights[i * count + k] * x[positions[i * count + k]]`. */
export interface Taps {
  count: number;
  positions: Int32Array;
  weights: Float32Array;
}

function keys(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return (1.5 * d - 2.5) * d * d + 1;
  if (d <= 2) return ((-0.5 * d + 2.5) * d - 4) * d + 2;
  return 0;
}

export function bicubicTaps(from: number, to: number): Taps {
  const scale = to / from;
  const stretch = Math.max(1, 1 / scale);
  const support = 2 * stretch;
  const count = Math.ceil(2 * support);
  const positions = new Int32Array(to * count);
  const weights = new Float32Array(to * count);
  const row = new Float64Array(count);
  for (let index = 0; index < to; index += 1) {
    const centre = (index + 0.5) / scale - 0.5;
    const first = Math.floor(centre - support) + 1;
    let sum = 0;
    for (let tap = 0; tap < count; tap += 1) {
      row[tap] = keys((centre - (first + tap)) / stretch);
      sum += row[tap]!;
    }
    for (let tap = 0; tap < count; tap += 1) {
      weights[index * count + tap] = row[tap]! / sum;
      positions[index * count + tap] = Math.min(Math.max(first + tap, 0), from - 1);
    }
  }
  return { count, positions, weights };
}
