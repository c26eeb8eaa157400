/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/**
 * How pixels become what a network sees, and how its residual comes back.
 *
 * The same arithmetic as `crispen.engines.base.ArrayEngine`, for cores of windows of a picture.
 */

import type { Card } from "./card";
import { hasAlpha, type Levels, type Picture } from "./picture";
import { bicubicTaps, type Taps } from "./taps";
import type { Span } from "./tiling";

/** BT.601 luma of R'G'B', and the swing and black of studio range. */
export const LUMA = [0.299, 0.587, 0.114] as const;
const SWING = 219 / 255;
const BLACK = 16 / 255;
const COLOR_GAIN = 4;
const COLOR_RADIUS = 8;

/** The network's input, `(1, C, rows, columns)` in [0, 1], of a window of the picture. */
export function seen(
  source: Picture,
  card: Card,
  down: Span,
  across: Span,
): Float32Array<ArrayBuffer> {
  const { channels, pixels, peak, width } = source;
  const rows = down.stop - down.start;
  const columns = across.stop - across.start;
  const area = rows * columns;
  const luma = card.color === "luma";
  const x = new Float32Array(area * (luma ? 1 : 3));
  // A grey pixel is R'G'B' of three equal levels.
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const [kr, kg, kb] = LUMA.map((weight) => (weight * SWING) / peak) as [number, number, number];
  let to = 0;
  for (let y = down.start; y < down.stop; y += 1) {
    let at = (y * width + across.start) * channels;
    for (let i = 0; i < columns; i += 1, at += channels, to += 1) {
      const r = pixels[at]!;
      const g = pixels[at + green]!;
      const b = pixels[at + blue]!;
      if (luma) x[to] = kr * r + kg * g + kb * b + BLACK;
      else {
        x[to] = r / peak;
        x[area + to] = g / peak;
        x[2 * area + to] = b / peak;
      }
    }
  }
  return x;
}

/** The largest within `radius` along one axis, by doubling; nothing is beyond the ends. */
function largest(levels: Levels, lines: number, length: number, step: number, radius: number) {
  const out = levels.slice();
  const jump = step === 1 ? length : 1;
  const row = new Float32Array(length + 2 * radius);
  for (let line = 0; line < lines; line += 1) {
    const begin = line * jump;
    row.fill(0);
    for (let i = 0; i < length; i += 1) row[radius + i] = levels[begin + i * step]!;
    const wanted = 2 * radius + 1;
    for (let have = 1; have < wanted;) {
      const by = Math.min(have, wanted - have);
      for (let i = 0; i + by < row.length; i += 1) row[i] = Math.max(row[i]!, row[i + by]!);
      have += by;
    }
    for (let i = 0; i < length; i += 1) out[begin + i * step] = row[i]!;
  }
  return out;
}

/** `(height, width)`: the largest difference between the channels near each pixel. */
function colorNear({ width, height, channels, pixels }: Picture, card: Card): Levels {
  const spread = pixels.slice(0, width * height);
  for (let i = 0, at = 0; i < spread.length; i += 1, at += channels) {
    const r = pixels[at]!;
    const g = pixels[at + 1]!;
    const b = pixels[at + 2]!;
    spread[i] = Math.max(r, g, b) - Math.min(r, g, b);
  }
  const radius = Math.min(card.halo, COLOR_RADIUS);
  return largest(largest(spread, width, height, width, radius), height, width, 1, radius);
}

/** Adds what a network found to the bicubic picture, window by window. */
export class Painter {
  private readonly down: Taps;
  private readonly across: Taps;
  private readonly near: Levels | null;

  /**
   * @param source What is enlarged.
   * @param result Where to, `card.scale` times as large.
   * @param card Of the network.
   */
  constructor(
    private readonly source: Picture,
    private readonly result: Picture,
    private readonly card: Card,
  ) {
    this.down = bicubicTaps(source.height, result.height);
    this.across = bicubicTaps(source.width, result.width);
    this.near = card.color === "rgb" && source.channels > 2 ? colorNear(source, card) : null;
  }

  /**
   * Fills the core of a window.
   *
   * @param residual `(C * scale², rows, columns)` of the window.
   */
  paint(residual: Float32Array, down: Span, across: Span): void {
    const { scale } = this.card;
    const { channels, pixels, width } = this.source;
    const colors = hasAlpha(this.source) ? channels - 1 : channels;
    // The columns that bicubic needs of the source for this core.
    const first = Math.max(0, across.coreStart - 2);
    const last = Math.min(width, across.coreStop + 2);
    const line = new Float32Array((last - first) * channels);
    for (let y = down.coreStart * scale; y < down.coreStop * scale; y += 1) {
      line.fill(0);
      for (let tap = 0; tap < this.down.count; tap += 1) {
        const weight = this.down.weights[y * this.down.count + tap]!;
        let at = (this.down.positions[y * this.down.count + tap]! * width + first) * channels;
        for (let i = 0; i < line.length; i += 1, at += 1) line[i]! += weight * pixels[at]!;
      }
      if (this.card.color === "luma") this.lumaRow(residual, line, first, y, down, across, colors);
      else this.rgbRow(residual, line, first, y, down, across, colors);
      if (colors < channels) this.alphaRow(line, first, y, across);
    }
  }

  /** What luma gains is added to all channels, which leaves chroma bicubic. */
  private lumaRow(
    residual: Float32Array,
    line: Float32Array,
    first: number,
    y: number,
    down: Span,
    across: Span,
    colors: number,
  ): void {
    const { scale } = this.card;
    const { channels } = this.source;
    const { peak, pixels, width } = this.result;
    const { positions, weights } = this.across;
    const columns = across.stop - across.start;
    const area = columns * (down.stop - down.start);
    const unit = peak / SWING;
    const row = (Math.floor(y / scale) - down.start) * columns;
    const phase = (y % scale) * scale;
    for (let x = across.coreStart; x < across.coreStop; x += 1) {
      for (let p = 0; p < scale; p += 1) {
        const added = unit * residual[(phase + p) * area + row + x - across.start]!;
        const at = x * scale + p;
        const t = 4 * at;
        const out = (y * width + at) * channels;
        const a = (positions[t]! - first) * channels;
        const b = (positions[t + 1]! - first) * channels;
        const c = (positions[t + 2]! - first) * channels;
        const d = (positions[t + 3]! - first) * channels;
        const wa = weights[t]!;
        const wb = weights[t + 1]!;
        const wc = weights[t + 2]!;
        const wd = weights[t + 3]!;
        for (let k = 0; k < colors; k += 1) {
          const level =
            wa * line[a + k]! + wb * line[b + k]! + wc * line[c + k]! + wd * line[d + k]! + added;
          pixels[out + k] = level <= 0 ? 0 : level >= peak ? peak : level + 0.5;
        }
      }
    }
  }

  /** Colour is added only as far as there is colour near. */
  private rgbRow(
    residual: Float32Array,
    line: Float32Array,
    first: number,
    y: number,
    down: Span,
    across: Span,
    colors: number,
  ): void {
    const { scale } = this.card;
    const { channels, width: from } = this.source;
    const { peak, pixels, width } = this.result;
    const { count, positions, weights } = this.across;
    const columns = across.stop - across.start;
    const area = columns * (down.stop - down.start);
    const sourceRow = Math.floor(y / scale);
    const row = (sourceRow - down.start) * columns;
    const phases = scale * scale;
    const added = [0, 0, 0];
    for (let at = across.coreStart * scale; at < across.coreStop * scale; at += 1) {
      const x = Math.floor(at / scale);
      let place = ((y % scale) * scale + (at % scale)) * area + row + x - across.start;
      let grey = 0;
      for (let k = 0; k < 3; k += 1, place += phases * area) {
        added[k] = peak * residual[place]!;
        grey += LUMA[k]! * added[k]!;
      }
      if (this.near) {
        const limit = COLOR_GAIN * this.near[sourceRow * from + x]!;
        for (let k = 0; k < 3; k += 1) {
          const color = added[k]! - grey;
          if (Math.abs(color) > limit) added[k] = grey + Math.sign(color) * limit;
        }
      } else added[0] = grey;
      const out = (y * width + at) * channels;
      for (let k = 0; k < colors; k += 1) {
        let level = added[k]!;
        for (let tap = 0; tap < count; tap += 1) {
          const t = at * count + tap;
          level += weights[t]! * line[(positions[t]! - first) * channels + k]!;
        }
        pixels[out + k] = level <= 0 ? 0 : level >= peak ? peak : level + 0.5;
      }
    }
  }

  /** No network sees alpha: bicubic puts neither texture into it nor rings around its edges. */
  private alphaRow(line: Float32Array, first: number, y: number, across: Span): void {
    const { channels } = this.source;
    const { peak, pixels, width } = this.result;
    const { count, positions, weights } = this.across;
    const { scale } = this.card;
    for (let at = across.coreStart * scale; at < across.coreStop * scale; at += 1) {
      let level = 0;
      for (let tap = 0; tap < count; tap += 1) {
        const t = at * count + tap;
        level += weights[t]! * line[(positions[t]! - first) * channels + channels - 1]!;
      }
      const out = (y * width + at) * channels + channels - 1;
      pixels[out] = level <= 0 ? 0 : level >= peak ? peak : level + 0.5;
    }
  }
}
