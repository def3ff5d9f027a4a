/**
 * Writes ../../music.ogg: a bed of 30 s at 100 beats a minute, made of nothing but sines and noise. Harmony changes where the film is
 * cut, and what is seen to land is heard to land.
 *
 *   node build-music.mjs            needs ffmpeg with libopus
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RATE = 48_000;
const BEAT = 0.6;
const BEATS = 50;
const LENGTH = BEATS * BEAT * RATE;

/** Beats at which the scenes begin (main.js), and the chord of each, as semitones from D3; the first is the bass. */
const SECTIONS = [
  [0, [0, 7, 12, 16]],
  [3, [-7, 9, 12, 17]],
  [7, [-3, 9, 14, 16]],
  [12, [0, 9, 14, 18]],
  [18, [-7, 9, 12, 16]],
  [23, [2, 9, 14, 17]],
  [28, [-5, 7, 11, 16]],
  [33, [0, 9, 14, 16]],
  [37, [-7, 9, 12, 17]],
  [41, [-5, 7, 14, 17]],
  [46, [0, 7, 12, 16]],
];

const left = new Float64Array(LENGTH);
const right = new Float64Array(LENGTH);
const wet = new Float64Array(LENGTH);

const pitch = (semitones) => 146.832 * 2 ** (semitones / 12);

/** A repeatable stand-in for noise: -1..1. */
function noiseFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2147483648 - 1;
  };
}

/** Adds `voice(t)` for `seconds` from `at` seconds; `pan` is -1..1, `send` what the room hears of it. */
function play(at, seconds, voice, { gain = 1, pan = 0, send = 0 } = {}) {
  const from = Math.round(at * RATE);
  const count = Math.min(Math.round(seconds * RATE), LENGTH - from);
  const [l, r] = [Math.cos(((pan + 1) * Math.PI) / 4), Math.sin(((pan + 1) * Math.PI) / 4)];
  for (let i = 0; i < count; i++) {
    const fade = Math.min(1, (count - i) / 480);
    const sample = gain * fade * voice(i / RATE);
    left[from + i] += sample * l;
    right[from + i] += sample * r;
    wet[from + i] += sample * send;
  }
}

const TAU = 2 * Math.PI;
const mallet = (f) => (t) =>
  Math.min(1, t * 600) *
  (Math.exp(-5.5 * t) * Math.sin(TAU * f * t) +
    0.32 * Math.exp(-14 * t) * Math.sin(TAU * 3.98 * f * t) +
    0.12 * Math.exp(-30 * t) * Math.sin(TAU * 9.1 * f * t));
const bell = (f) => (t) =>
  Math.min(1, t * 300) *
  Math.exp(-2.2 * t) *
  Math.sin(TAU * f * t + 1.6 * Math.exp(-3 * t) * Math.sin(TAU * 3.5 * f * t));
const bass = (f) => (t) => Math.min(1, t * 120) * Math.exp(-2.4 * t) * Math.tanh(1.8 * Math.sin(TAU * f * t));
const kick = (t) => Math.exp(-9 * t) * Math.sin(TAU * (48 * t + 6 * (1 - Math.exp(-28 * t))));
const pad = (f, seconds) => (t) => {
  const envelope = Math.min(1, t / 0.5) * Math.min(1, (seconds - t) / 0.5);
  return envelope * (Math.sin(TAU * f * t) + 0.5 * Math.sin(TAU * f * 1.003 * t) + 0.22 * Math.sin(TAU * 2 * f * t));
};
function shaker(seed) {
  const noise = noiseFrom(seed);
  let before = 0;
  return (t) => {
    const value = noise();
    const high = value - before;
    before = value;
    return Math.min(1, t * 200) * Math.exp(-38 * t) * high;
  };
}
/** Air that passes: noise through a band that rises to the middle and falls again. */
function whoosh(seconds, seed, top) {
  const noise = noiseFrom(seed);
  let low = 0;
  let band = 0;
  return (t) => {
    const k = Math.sin((Math.PI * t) / seconds);
    const cut = (2 * Math.PI * (250 + top * k * k)) / RATE;
    low += cut * band;
    band += cut * (noise() - low - 0.7 * band);
    return k * k * band;
  };
}

SECTIONS.forEach(([beat, chord], i) => {
  const end = SECTIONS[i + 1]?.[0] ?? BEATS;
  const at = beat * BEAT;
  const seconds = (end - beat) * BEAT;
  const [root, ...upper] = chord;
  for (const note of upper) play(at, seconds + 0.25, pad(pitch(note), seconds + 0.25), { gain: 0.034, send: 0.4 });
  play(at, 2.4, bell(pitch(chord[3] + 12)), { gain: 0.1, pan: i % 2 ? 0.35 : -0.35, send: 0.9 });
  for (let b = beat; b < Math.min(end, 47); b++) {
    const on = b * BEAT;
    if (b >= 3) play(on, 0.5, kick, { gain: 0.5 });
    if (b >= 3) play(on, 0.58, bass(pitch(root - 12)), { gain: (b - beat) % 2 ? 0.13 : 0.2 });
    if (b >= 12 && b % 2 === 1) play(on, 0.25, shaker(900 + b), { gain: 0.2, pan: 0.15, send: 0.5 });
    for (let half = 0; half < 2; half++) {
      if (b >= 7) play(on + half * 0.3, 0.14, shaker(b * 2 + half), { gain: half ? 0.085 : 0.04, pan: -0.3 });
      const step = (b - beat) * 2 + half;
      const note = upper[[0, 2, 1, 2, 0, 1, 2, 1][step % 8]] + (step % 8 > 4 ? 12 : 0);
      const isMonths = i === 3 && b < 16;
      if (!isMonths)
        play(on + half * 0.3, 0.9, mallet(pitch(note + 12)), { gain: 0.13, pan: 0.4 * Math.sin(step), send: 0.35 });
    }
  }
});

// Twelve months, one on every sixteenth, from the moment at which the ball lands on January (scenes/months.js).
const SCALE = [12, 14, 16, 19, 21, 24, 26, 24, 21, 26, 28, 31];
SCALE.forEach((note, i) => {
  play(7.8 + 0.15 * i, 0.8, mallet(pitch(note)), { gain: 0.24, pan: -0.6 + i * 0.11, send: 0.4 });
});
// The see-saw: last year lands, this year lands (scenes/change.js).
for (const [at, note] of [
  [22.8, -12],
  [23.1, -5],
]) {
  play(at, 0.9, mallet(pitch(note)), { gain: 0.3, send: 0.3 });
  play(at, 0.4, kick, { gain: 0.5 });
}
// Cuts that the camera makes, and cuts that the sun makes.
for (const [i, at] of [7.2, 10.8, 19.8].entries())
  play(at - 0.42, 0.84, whoosh(0.84, 70 + i, 2600), { gain: 0.16, send: 0.4 });
for (const [i, at] of [1.8, 16.8, 22.2, 24.6].entries())
  play(at - 0.5, 0.8, whoosh(0.8, 80 + i, 900), { gain: 0.2, send: 0.4 });

// A room: four combs and two all-passes, a little different on each side.
function room(input, offset) {
  const out = new Float64Array(LENGTH);
  for (const [delay, feedback] of [
    [1687, 0.78],
    [1933, 0.76],
    [2251, 0.74],
    [2609, 0.72],
  ]) {
    const line = new Float64Array(delay + offset);
    let damped = 0;
    for (let i = 0, at = 0; i < LENGTH; i++, at = (at + 1) % line.length) {
      const delayed = line[at];
      damped += 0.45 * (delayed - damped);
      line[at] = input[i] + feedback * damped;
      out[i] += 0.25 * delayed;
    }
  }
  for (const delay of [347, 113]) {
    const line = new Float64Array(delay + offset);
    for (let i = 0, at = 0; i < LENGTH; i++, at = (at + 1) % line.length) {
      const delayed = line[at];
      const value = out[i] + 0.5 * delayed;
      out[i] = delayed - 0.5 * value;
      line[at] = value;
    }
  }
  return out;
}

const [roomLeft, roomRight] = [room(wet, 0), room(wet, 29)];
const pcm = new Float32Array(2 * LENGTH);
let peak = 0;
for (let i = 0; i < LENGTH; i++) {
  const end = Math.min(1, (LENGTH - i) / (0.9 * RATE));
  pcm[2 * i] = Math.tanh(end * (left[i] + roomLeft[i]));
  pcm[2 * i + 1] = Math.tanh(end * (right[i] + roomRight[i]));
  peak = Math.max(peak, Math.abs(pcm[2 * i]), Math.abs(pcm[2 * i + 1]));
}
for (let i = 0; i < pcm.length; i++) pcm[i] *= 0.7 / peak;

const output = fileURLToPath(new URL('../../music.ogg', import.meta.url));
const raw = ['-f', 'f32le', '-ar', String(RATE), '-ac', '2', '-i', '-'];
const opus = ['-c:a', 'libopus', '-b:a', '80k', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
const { status } = spawnSync('ffmpeg', ['-v', 'error', '-y', ...raw, ...opus, output], {
  input: Buffer.from(pcm.buffer),
  stdio: ['pipe', 'inherit', 'inherit'],
});
if (status !== 0) process.exit(1);
console.log(`peak before levelling ${peak.toFixed(2)}`);
