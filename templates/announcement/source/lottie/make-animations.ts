/**
 * Writes the two Lottie animations as one script, `source/animations.js`.
 *
 *   node source/lottie/make-animations.ts
 *
 * HyperFrames puts every animation to the time of the whole video, so each is as long as that and waits for its moment. What is coloured by
 * the tier has a class (`cl`) and gets its colour from the style sheet.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const FPS = 30;
const FRAMES = 360;

type Point = readonly number[];
/** [frame, value]; eased into by the third: how late it starts and how gently it ends. */
type Key = readonly [number, Point | number, (readonly [number, number, number, number])?];
const SETTLE = [0.16, 1, 0.3, 1] as const;
const GENTLE = [0.45, 0, 0.35, 1] as const;

const asArray = (value: Point | number): number[] => (typeof value === 'number' ? [value] : [...value]);
const still = (value: Point | number) => ({ a: 0, k: value });
/** A property that goes through keys; the ease belongs to the key before, as Lottie has it. */
const moving = (keys: readonly Key[]) => ({
  a: 1,
  k: keys.map(([frame, value], i) => {
    const ease = keys[i + 1]?.[2] ?? GENTLE;
    const s = asArray(value);
    const each = (n: number): number[] => s.map(() => n);
    return i === keys.length - 1
      ? { t: frame, s }
      : { t: frame, s, o: { x: each(ease[0]), y: each(ease[1]) }, i: { x: each(ease[2]), y: each(ease[3]) } };
  }),
});

const IN_PLACE = { ty: 'tr', p: still([0, 0]), a: still([0, 0]), s: still([100, 100]), r: still(0), o: still(100) };
const group = (name: string, ...items: object[]) => ({ ty: 'gr', nm: name, it: [...items, IN_PLACE] });
const layer = (index: number, name: string, shapes: object[], more: { ks?: object; [key: string]: unknown } = {}) => ({
  ...{ ddd: 0, ind: index, ty: 4, nm: name, cl: name, sr: 1, ip: 0, op: FRAMES, st: 0, bm: 0, shapes },
  ...more,
  ks: { o: still(100), r: still(0), p: still([0, 0, 0]), a: still([0, 0, 0]), s: still([100, 100, 100]), ...more.ks },
});
const film = (name: string, width: number, height: number, layers: object[]) => ({
  ...{ v: '5.13.0', fr: FPS, ip: 0, op: FRAMES, w: width, h: height, nm: name, ddd: 0, assets: [], layers },
});
const fill = () => ({ ty: 'fl', c: still([0, 0, 0, 1]), o: still(100), r: 1 });

/** Contactless: four arcs that swell one after the other from where the card is held, twice. (No opacity, no scale: see the README.) */
function contactless() {
  const centre = [10, 60] as const;
  const spread = (42 * Math.PI) / 180;
  const arcs = [22, 40, 58, 76].map((radius, i) => {
    const [dx, dy] = [radius * Math.cos(spread), radius * Math.sin(spread)];
    // A cubic Bézier for the part of a circle.
    const pull = (4 / 3) * Math.tan(spread / 2) * radius;
    const [tx, ty] = [pull * Math.sin(spread), pull * Math.cos(spread)];
    const shape = {
      c: false,
      v: [[centre[0] + dx, centre[1] - dy], [centre[0] + dx, centre[1] + dy]],
      o: [[tx, ty], [0, 0]],
      i: [[0, 0], [tx, -ty]],
    };
    const pulse = (from: number): Key[] => [
      [from + i * 4, 8],
      [from + i * 4 + 6, 15, GENTLE],
      [from + i * 4 + 22, 8, SETTLE],
    ];
    const path = { ty: 'sh', ks: still(shape as never) };
    const stroke = { ty: 'st', c: still([0, 0, 0, 1]), o: still(100), w: moving([...pulse(206), ...pulse(240)]), lc: 2, lj: 2 };
    return layer(i + 1, 'wave', [group('arc', path, stroke)]);
  });
  return film('contactless', 110, 120, arcs);
}

/** The brand's mark, 48 units wide, at ten times that: the sun comes up behind its horizon, and a second line grows below. */
function sunrise() {
  const sunY = moving([[291, [240, 470, 0]], [330, [240, 290, 0], [0.2, 0.7, 0.2, 1]]]);
  const horizon = {
    c: true,
    v: [[0, 0], [480, 0], [480, 290], [0, 290]],
    o: [[0, 0], [0, 0], [0, 0], [0, 0]],
    i: [[0, 0], [0, 0], [0, 0], [0, 0]],
  };
  const disc = { ty: 'el', d: 1, s: still([320, 320]), p: still([0, 0]) };
  const sun = layer(1, 'sun', [group('disc', disc, fill())], { ks: { p: sunY } });
  // The part of the sky that the sun is seen in stands still, so it is a layer of its own.
  const sky = layer(1, 'sky', [group('sky', { ty: 'sh', ks: still(horizon as never) }, fill())], { td: 1 });
  const line = (index: number, name: string, y: number, width: number, from: number) => {
    const size = moving([[from, [0, 40]], [from + 24, [width, 40], SETTLE]]);
    const rect = { ty: 'rc', d: 1, s: size, p: still([240, y]), r: still(20) };
    return layer(index, name, [group('line', rect, fill())]);
  };
  return film('sunrise', 480, 480, [sky, { ...sun, ind: 2, tt: 1 }, line(3, 'line', 430, 240, 300)]);
}

const animations = { contactless: contactless(), sunrise: sunrise() };
writeFileSync(
  path.join(import.meta.dirname, '../animations.js'),
  `// Written by lottie/make-animations.ts.\nconst ANIMATIONS = ${JSON.stringify(animations)};\n`,
);
