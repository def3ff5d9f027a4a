/**
 * Pixels to I420, BT.709, limited range: AssemblyScript, built into i420.wasm by `npm run build:wasm`. The same arithmetic in
 * plain TypeScript, for tests, is in test/rendering/i420-reference.ts.
 *
 * Coefficients are Rec. ITU-R BT.709-6, items 3.2–3.4, in 1/32768: luma spans 219 levels from 16, chroma 224 around 128.
 */

const Y_R: i16 = 5983;
const Y_G: i16 = 20127;
const Y_B: i16 = 2032;
const U_R: i16 = -3298;
const U_G: i16 = -11094;
const U_B: i16 = 14392;
const V_R: i16 = 14392;
const V_G: i16 = -13072;
const V_B: i16 = -1320;

const Y_BIAS: i32 = (16 << 15) + (1 << 14);
/** Chroma is the sum of four pixels. */
const C_BIAS: i32 = (128 << 17) + (1 << 16);

// @ts-expect-error: a decorator of AssemblyScript
@inline
function weights(isRgba: bool, r: i16, g: i16, b: i16): v128 {
  return isRgba ? i16x8(r, g, b, 0, r, g, b, 0) : i16x8(b, g, r, 0, b, g, r, 0);
}

/** Sums of four pixels' weighted parts, a pixel in each lane. */
// @ts-expect-error: a decorator of AssemblyScript
@inline
function dots(low: v128, high: v128, by: v128): v128 {
  const l = i32x4.dot_i16x8_s(low, by);
  const h = i32x4.dot_i16x8_s(high, by);
  return i32x4.add(v128.shuffle<i32>(l, h, 0, 2, 4, 6), v128.shuffle<i32>(l, h, 1, 3, 5, 7));
}

/** Adds neighbours: eight columns become four blocks. */
// @ts-expect-error: a decorator of AssemblyScript
@inline
function pairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

// @ts-expect-error: a decorator of AssemblyScript
@inline
function chroma(isRgba: bool, p00: usize, p01: usize, p10: usize, p11: usize, r: i32, g: i32, b: i32): u8 {
  const c0 = <i32>load<u8>(p00) + <i32>load<u8>(p01) + <i32>load<u8>(p10) + <i32>load<u8>(p11);
  const c1 = <i32>load<u8>(p00, 1) + <i32>load<u8>(p01, 1) + <i32>load<u8>(p10, 1) + <i32>load<u8>(p11, 1);
  const c2 = <i32>load<u8>(p00, 2) + <i32>load<u8>(p01, 2) + <i32>load<u8>(p10, 2) + <i32>load<u8>(p11, 2);
  return <u8>((c0 * (isRgba ? r : b) + c1 * g + c2 * (isRgba ? b : r) + C_BIAS) >> 17);
}

// @ts-expect-error: a decorator of AssemblyScript
@inline
function luma(isRgba: bool, p: usize): u8 {
  const sum =
    <i32>load<u8>(p) * (isRgba ? <i32>Y_R : <i32>Y_B) +
    <i32>load<u8>(p, 1) * <i32>Y_G +
    <i32>load<u8>(p, 2) * (isRgba ? <i32>Y_B : <i32>Y_R);
  return <u8>((sum + Y_BIAS) >> 15);
}

/**
 * Converts rows `from` (even) up to, not including, `to` (even, or `height`) of a picture of `width` x `height` pixels of four
 * bytes (BGRA, or RGBA), rows `stride` bytes apart, at `source` into their places in packed planes at `target`. Odd sides repeat
 * their last column or row for chroma. The fourth byte is not looked at.
 */
export function convert(
  source: usize,
  stride: usize,
  width: i32,
  height: i32,
  isRgba: bool,
  target: usize,
  from: i32,
  to: i32,
): void {
  const cy = weights(isRgba, Y_R, Y_G, Y_B);
  const cu = weights(isRgba, U_R, U_G, U_B);
  const cv = weights(isRgba, V_R, V_G, V_B);
  const yBias = i32x4.splat(Y_BIAS);
  const cBias = i32x4.splat(C_BIAS);
  const chromaWidth = (width + 1) >> 1;
  const vectorWidth = width & ~7;
  const chromaFrom = <usize>(chromaWidth * (from >> 1));
  const planeU = target + <usize>(width * height);
  let u = planeU + chromaFrom;
  let v = planeU + <usize>(chromaWidth * ((height + 1) >> 1)) + chromaFrom;

  for (let y = from; y < to; y += 2) {
    const isLast = y + 1 == height;
    const rowA = source + <usize>y * stride;
    const rowB = isLast ? rowA : rowA + stride;
    const outA = target + <usize>(y * width);
    const outB = isLast ? outA : outA + <usize>width;
    let a = rowA;
    let b = rowB;
    let x = 0;
    for (; x < vectorWidth; x += 8) {
      const a0 = v128.load(a);
      const a1 = v128.load(a, 16);
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0l = i16x8.extend_low_i8x16_u(a0);
      const a0h = i16x8.extend_high_i8x16_u(a0);
      const a1l = i16x8.extend_low_i8x16_u(a1);
      const a1h = i16x8.extend_high_i8x16_u(a1);
      const b0l = i16x8.extend_low_i8x16_u(b0);
      const b0h = i16x8.extend_high_i8x16_u(b0);
      const b1l = i16x8.extend_low_i8x16_u(b1);
      const b1h = i16x8.extend_high_i8x16_u(b1);
      const ya0 = i32x4.shr_s(i32x4.add(dots(a0l, a0h, cy), yBias), 15);
      const ya1 = i32x4.shr_s(i32x4.add(dots(a1l, a1h, cy), yBias), 15);
      const yb0 = i32x4.shr_s(i32x4.add(dots(b0l, b0h, cy), yBias), 15);
      const yb1 = i32x4.shr_s(i32x4.add(dots(b1l, b1h, cy), yBias), 15);
      const lumas = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(ya0, ya1), i16x8.narrow_i32x4_s(yb0, yb1));
      v128.store_lane<u64>(outA + <usize>x, lumas, 0);
      v128.store_lane<u64>(outB + <usize>x, lumas, 1);

      const s0l = i16x8.add(a0l, b0l);
      const s0h = i16x8.add(a0h, b0h);
      const s1l = i16x8.add(a1l, b1l);
      const s1h = i16x8.add(a1h, b1h);
      const us = i32x4.shr_s(i32x4.add(pairs(dots(s0l, s0h, cu), dots(s1l, s1h, cu)), cBias), 17);
      const vs = i32x4.shr_s(i32x4.add(pairs(dots(s0l, s0h, cv), dots(s1l, s1h, cv)), cBias), 17);
      const both = i16x8.narrow_i32x4_s(us, vs);
      const chromas = i8x16.narrow_i16x8_u(both, both);
      v128.store_lane<u32>(u, chromas, 0);
      v128.store_lane<u32>(v, chromas, 1);
      a += 32;
      b += 32;
      u += 4;
      v += 4;
    }
    for (; x < width; x += 2) {
      // The right pixel of the last block of an odd row is its left one.
      const right: usize = x + 1 < width ? 4 : 0;
      store<u8>(outA + <usize>x, luma(isRgba, a));
      store<u8>(outB + <usize>x, luma(isRgba, b));
      if (right != 0) {
        store<u8>(outA + <usize>x + 1, luma(isRgba, a + 4));
        store<u8>(outB + <usize>x + 1, luma(isRgba, b + 4));
      }
      store<u8>(u, chroma(isRgba, a, a + right, b, b + right, U_R, U_G, U_B));
      store<u8>(v, chroma(isRgba, a, a + right, b, b + right, V_R, V_G, V_B));
      a += 8;
      b += 8;
      u += 1;
      v += 1;
    }
  }
}
