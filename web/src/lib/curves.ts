/** Learning curves as SVG paths: scales, ticks and thinning. All functions are pure. */

export interface Curve {
  name: string;
  /** (x, y) in order of x; y is null where nothing was measured. */
  points: [number, number][];
}

export interface Extent {
  low: number;
  high: number;
}

/** A range that holds all values and never has no width. */
export function extent(values: number[]): Extent {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { low: 0, high: 1 };
  if (low === high)
    return { low: low - (Math.abs(low) || 1) / 2, high: high + (Math.abs(high) || 1) / 2 };
  return { low, high };
}

/** Round numbers inside a range: steps of 1, 2 or 5 times a power of ten. */
export function ticks({ low, high }: Extent, about: number): number[] {
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, index) => (first + index) * step,
  );
}

/** Powers of ten inside a range, for a logarithmic axis. */
export function decades({ low, high }: Extent): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index));
}

/** At most `most` points, the lowest and highest of each section, so that peaks stay. */
export function thin(points: [number, number][], most: number): [number, number][] {
  if (points.length <= most) return points;
  const stretch = Math.ceil(points.length / (most / 2));
  const kept: [number, number][] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    const sorted = [...part].sort((a, b) => a[1] - b[1]);
    const ends = [sorted[0], sorted.at(-1)].filter((point) => point !== undefined);
    kept.push(...[...new Set(ends)].sort((a, b) => a[0] - b[0]));
  }
  return kept;
}

/** The columns of a log that have something to show, as curves over the step. */
export function curvesOf(columns: Record<string, (number | null)[]>, names: string[]): Curve[] {
  const steps = columns["step"] ?? [];
  return names
    .map((name) => ({
      name,
      points: (columns[name] ?? []).flatMap((value, index): [number, number][] => {
        const step = steps[index];
        return value === null || step == null ? [] : [[step, value]];
      }),
    }))
    .filter(({ points }) => points.length > 0);
}

/** The point of a curve nearest to an x, by halving. */
export function nearest(points: [number, number][], x: number): [number, number] | undefined {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  const [after, before] = [points[low], points[low - 1]];
  if (!after || !before) return after;
  return x - before[0] < after[0] - x ? before : after;
}

/** A number in as few digits as are useful. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(1).replace("e+", "e");
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
}
