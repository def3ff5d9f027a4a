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
  count: bezier(0.2, 0.62, 0.22, 1),
  spring: bezier(0.22, 1.36, 0.36, 1),
  leave: bezier(0.62, 0, 0.86, 0.26),
  camera: bezier(0.76, 0, 0.2, 1),
  gentle: bezier(0.45, 0, 0.35, 1),
  detent: bezier(0.7, 0, 0.3, 1),
  fall: (x) => x * x,
  rise: (x) => 1 - (1 - x) * (1 - x),
};

/** A camera move that spans a cut: how far it is at `t` seconds from the cut, 0.5 at the cut itself. */
const HANDOVER = 0.42;
const handover = (t) => EASE.camera(span(t, -HANDOVER, 2 * HANDOVER));
/** The half of that move which a scene sees at its end (0 to 1 at the cut), and the half at its beginning (0 at the cut to 1). */
const departing = (t, end) => clamp01(handover(t - end) * 2);
const arriving = (t) => clamp01(handover(t) * 2 - 1);

/** What swings and comes to rest: 1 at 0, then damped. */
const swing = (t, rate, damping) => (t <= 0 ? 1 : Math.exp(-damping * t) * Math.cos(rate * t));

const px = (v) => `${Math.round(v * 1000) / 1000}px`;
const num = (v) => Math.round(v * 1000) / 1000;
