// Pure helpers: numbers in, numbers out.

const clamp01 = (x) => (x < 0 ? 0 : x > 1 ? 1 : x);
const mix = (a, b, k) => a + (b - a) * k;
/** Progress of `t` through [from, from + length], 0..1. */
const span = (t, from, length) => clamp01((t - from) / length);

/** A CSS-style cubic Bézier ease. */
function bezier(x1, y1, x2, y2) {
  const at = (a, b, u) => ((1 - 3 * b + 3 * a) * u + (3 * b - 6 * a)) * u * u + 3 * a * u;
  return (x) => {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    let low = 0;
    let high = 1;
    for (let i = 0; i < 24; i++) {
      const middle = (low + high) / 2;
      if (at(x1, x2, middle) < x) low = middle;
      else high = middle;
    }
    return at(y1, y2, (low + high) / 2);
  };
}

const EASE = {
  settle: bezier(0.16, 1, 0.3, 1),
  grow: bezier(0.3, 0.9, 0.2, 1),
  spring: bezier(0.22, 1.36, 0.36, 1),
  leave: bezier(0.62, 0, 0.86, 0.26),
  camera: bezier(0.72, 0, 0.18, 1),
  gentle: bezier(0.45, 0, 0.35, 1),
};

/** Piecewise track through [time, value, ease into this key]. */
function track(keys, t) {
  if (t <= keys[0][0]) return keys[0][1];
  for (let i = 1; i < keys.length; i++) {
    const [time, value, ease] = keys[i];
    if (t < time) {
      const [before, from] = keys[i - 1];
      const k = (t - before) / (time - before);
      return mix(from, value, ease ? ease(k) : k);
    }
  }
  return keys[keys.length - 1][1];
}

const px = (v) => `${Math.round(v * 1000) / 1000}px`;
const num = (v) => Math.round(v * 1000) / 1000;
