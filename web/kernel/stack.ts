/**
 * Convolutions in 8 bits for networks that are plain stacks of 3x3 convolutions: AssemblyScript.
 *
 * Levels are whole numbers from 0 to 255 in 16 bits, `(rows + 2, columns + 2, channels)` with zeros
 * around them, so that the three neighbours of a row lie in one piece of memory. A weight belongs to
 * two input channels and four output channels at once: `i32x4.dot_i16x8_s` multiplies eight pairs.
 */

/** Output channels that are made at once; others are zero. */
const BLOCK: usize = <usize>16;

// The sums of two pixels side by side, 16 channels each.
let a0: v128 = i32x4.splat(0);
let a1: v128 = i32x4.splat(0);
let a2: v128 = i32x4.splat(0);
let a3: v128 = i32x4.splat(0);
let b0: v128 = i32x4.splat(0);
let b1: v128 = i32x4.splat(0);
let b2: v128 = i32x4.splat(0);
let b3: v128 = i32x4.splat(0);

@inline
function convolve(source: usize, stride: usize, channels: usize, weights: usize): void {
  let p0 = i32x4.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let q0 = p0;
  let q1 = p0;
  let q2 = p0;
  let q3 = p0;
  const next = channels << 1;
  let w = weights;
  for (let row: usize = 0; row < 3; row++) {
    let at = source + row * stride;
    const end = at + 3 * next;
    while (at < end) {
      const p = v128.load32_splat(at);
      const q = v128.load32_splat(at + next);
      const w0 = v128.load(w);
      p0 = i32x4.add(p0, i32x4.dot_i16x8_s(p, w0));
      q0 = i32x4.add(q0, i32x4.dot_i16x8_s(q, w0));
      const w1 = v128.load(w, 16);
      p1 = i32x4.add(p1, i32x4.dot_i16x8_s(p, w1));
      q1 = i32x4.add(q1, i32x4.dot_i16x8_s(q, w1));
      const w2 = v128.load(w, 32);
      p2 = i32x4.add(p2, i32x4.dot_i16x8_s(p, w2));
      q2 = i32x4.add(q2, i32x4.dot_i16x8_s(q, w2));
      const w3 = v128.load(w, 48);
      p3 = i32x4.add(p3, i32x4.dot_i16x8_s(p, w3));
      q3 = i32x4.add(q3, i32x4.dot_i16x8_s(q, w3));
      at += 4;
      w += 64;
    }
  }
  a0 = p0;
  a1 = p1;
  a2 = p2;
  a3 = p3;
  b0 = q0;
  b1 = q1;
  b2 = q2;
  b3 = q3;
}

@inline
function scaled(sums: v128, factors: usize, biases: usize): v128 {
  return f32x4.add(
    f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(factors)),
    v128.load(biases),
  );
}

@inline
function levels(low: v128, high: v128): v128 {
  const whole = i16x8.narrow_i32x4_s(
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(low)),
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(high)),
  );
  return i16x8.max_s(i16x8.min_s(whole, i16x8.splat(255)), i16x8.splat(0));
}

/** Luma in [0, 1], `(rows + 2, columns + 2)` with zeros around it, to levels; weights in fp32. */
export function head(
  source: usize,
  target: usize,
  weights: usize,
  biases: usize,
  rows: usize,
  columns: usize,
  channels: usize,
): void {
  const stride = (columns + 2) << 2;
  for (let y: usize = 0; y < rows; y++) {
    let out = target + (((y + 1) * (columns + 2) + 1) * channels << 1);
    for (let x: usize = 0; x < columns; x++) {
      const at = source + y * stride + (x << 2);
      for (let c: usize = 0; c < channels; c += 8) {
        let low = v128.load(biases + (c << 2));
        let high = v128.load(biases + (c << 2), 16);
        for (let tap: usize = 0; tap < 9; tap++) {
          const level = v128.load32_splat(at + (tap / 3) * stride + ((tap % 3) << 2));
          const w = weights + ((tap * channels + c) << 2);
          low = f32x4.add(low, f32x4.mul(level, v128.load(w)));
          high = f32x4.add(high, f32x4.mul(level, v128.load(w, 16)));
        }
        v128.store(out + (c << 1), levels(low, high));
      }
      out += channels << 1;
    }
  }
}

/** Levels to levels; `columns` is 2 or more. */
export function body(
  source: usize,
  target: usize,
  weights: usize,
  factors: usize,
  biases: usize,
  rows: usize,
  columns: usize,
  channels: usize,
): void {
  const pixel = channels << 1;
  const stride = (columns + 2) * pixel;
  const block: usize = 9 * channels * BLOCK * 2;
  for (let y: usize = 0; y < rows; y++) {
    for (let pair: usize = 0; pair < columns; pair += 2) {
      // The last pair overlaps the one before where the width is odd.
      const x = min(pair, columns - 2);
      const at = source + y * stride + x * pixel;
      const out = target + (y + 1) * stride + (x + 1) * pixel;
      for (let c: usize = 0; c < channels; c += BLOCK) {
        convolve(at, stride, channels, weights + (c / BLOCK) * block);
        const f = factors + (c << 2);
        const b = biases + (c << 2);
        const to = out + (c << 1);
        v128.store(to, levels(scaled(a0, f, b), scaled(a1, f + 16, b + 16)));
        v128.store(to, levels(scaled(a2, f + 32, b + 32), scaled(a3, f + 48, b + 48)), 16);
        v128.store(to + pixel, levels(scaled(b0, f, b), scaled(b1, f + 16, b + 16)));
        v128.store(to + pixel, levels(scaled(b2, f + 32, b + 32), scaled(b3, f + 48, b + 48)), 16);
      }
    }
  }
}

/** Levels to the residual, `(phases, rows, columns)` in fp32; `scratch` holds 128 bytes. */
export function tail(
  source: usize,
  target: usize,
  weights: usize,
  factors: usize,
  biases: usize,
  rows: usize,
  columns: usize,
  channels: usize,
  phases: usize,
  scratch: usize,
): void {
  const pixel = channels << 1;
  const stride = (columns + 2) * pixel;
  const plane = (rows * columns) << 2;
  for (let y: usize = 0; y < rows; y++) {
    for (let pair: usize = 0; pair < columns; pair += 2) {
      const x = min(pair, columns - 2);
      convolve(source + y * stride + x * pixel, stride, channels, weights);
      v128.store(scratch, scaled(a0, factors, biases));
      v128.store(scratch, scaled(a1, factors + 16, biases + 16), 16);
      v128.store(scratch, scaled(a2, factors + 32, biases + 32), 32);
      v128.store(scratch, scaled(a3, factors + 48, biases + 48), 48);
      v128.store(scratch, scaled(b0, factors, biases), 64);
      v128.store(scratch, scaled(b1, factors + 16, biases + 16), 80);
      v128.store(scratch, scaled(b2, factors + 32, biases + 32), 96);
      v128.store(scratch, scaled(b3, factors + 48, biases + 48), 112);
      let out = target + ((y * columns + x) << 2);
      for (let p: usize = 0; p < phases; p++) {
        store<f32>(out, load<f32>(scratch + (p << 2)));
        store<f32>(out, load<f32>(scratch + (p << 2), 64), 4);
        out += plane;
      }
    }
  }
}
