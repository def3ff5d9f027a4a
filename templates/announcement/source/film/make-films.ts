/**
 * Makes the films of the card's metal, one for each tier: four seconds that begin where they end. Numbers alone decide the pixels.
 *
 *   node source/film/make-films.ts [--still FRAME]
 *
 * The face is brushed in rays from the middle of its lower edge, as watch dials are, and a half disc there is turned on a lathe. Brushed
 * metal shines across its grooves: on rays light stands in fans, and as it goes round, the fans turn. Those of the disc turn the other
 * way. Needs ffmpeg with libx264.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const WIDTH = 1080;
const HEIGHT = 680;
const FPS = 30;
const FRAMES = 120;
const DISC = 163;

type Stops = readonly (readonly [number, string])[];
/** Colours of the metal by how bright it is, for the face and the disc. */
const TIERS: Readonly<Record<string, { readonly face: Stops; readonly disc: Stops }>> = {
  dawn: {
    face: [[0, '#6a3222'], [0.3, '#b66f50'], [0.6, '#dc9d7a'], [0.85, '#f6cdb2'], [1, '#fff4ea']],
    disc: [[0, '#5c190b'], [0.4, '#c64a23'], [0.75, '#f58a5a'], [1, '#ffe2cb']],
  },
  noon: {
    face: [[0, '#343a40'], [0.3, '#747d84'], [0.6, '#adb5ba'], [0.85, '#e0e5e7'], [1, '#ffffff']],
    disc: [[0, '#5e3d05'], [0.4, '#c28a16'], [0.75, '#fccb52'], [1, '#fff6d6']],
  },
  dusk: {
    face: [[0, '#08090c'], [0.3, '#191b21'], [0.6, '#343741'], [0.85, '#737783'], [1, '#d5d8e0']],
    disc: [[0, '#3d0d03'], [0.4, '#b93a14'], [0.75, '#ff7f40'], [1, '#ffe0bd']],
  },
};

/** A repeatable stand-in for chance: -1 to 1. */
function scatter(x: number, y: number, salt: number): number {
  let h = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b) ^ Math.imul(salt + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2147483648 - 1;
}

const smooth = (k: number): number => k * k * (3 - 2 * k);

/** Grooves `across` wide and `along` long, both in the units of their arguments. */
function grooves(a: number, b: number, across: number, along: number, salt: number): number {
  const u = a / across;
  const i = Math.floor(u);
  const v = b / along + scatter(i, 7, salt);
  const v2 = b / along + scatter(i + 1, 7, salt);
  const at = (cell: number, w: number): number => {
    const j = Math.floor(w);
    const k = smooth(w - j);
    return scatter(cell, j, salt) * (1 - k) + scatter(cell, j + 1, salt) * k;
  };
  const k = smooth(u - i);
  return at(i, v) * (1 - k) + at(i + 1, v2) * k;
}

/** How bright a fan of light at angle `centre` is, seen at `angle`; fans repeat every half turn. */
function fan(angle: number, centre: number, width: number): number {
  const turns = (angle - centre) / Math.PI;
  const off = (turns - Math.round(turns)) * Math.PI;
  return Math.exp(-(off * off) / (2 * width * width));
}

/** What of the metal does not move: angle, grooves, and which part it is. */
function engrave() {
  const angle = new Float32Array(WIDTH * HEIGHT);
  const rough = new Float32Array(WIDTH * HEIGHT);
  const shade = new Float32Array(WIDTH * HEIGHT);
  const disc = new Float32Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const i = y * WIDTH + x;
      const dx = x + 0.5 - WIDTH / 2;
      const dy = HEIGHT - y - 0.5;
      const radius = Math.hypot(dx, dy);
      const a = Math.atan2(dy, dx);
      const rays = grooves(a, radius, 0.0032, 150, 1) * 0.5 + grooves(a, radius, 0.011, 260, 2) * 0.5 + grooves(a, radius, 0.05, 500, 3) * 0.35;
      const rings = grooves(radius, a, 2.2, 0.9, 4) * 0.6 + grooves(radius, a, 9, 1.6, 5) * 0.4;
      const inside = Math.min(1, Math.max(0, DISC - radius + 0.5));
      angle[i] = a;
      rough[i] = rays * (1 - inside) + rings * inside;
      disc[i] = inside;
      // A bevel between the two, and less light far from the sun.
      const rim = radius - DISC;
      shade[i] = (rim > -5 && rim < 0 ? 0.2 : rim >= 0 && rim < 5 ? -0.24 * (1 - rim / 5) : 0) - 0.1 * Math.max(0, (radius - 480) / 400);
    }
  }
  return { angle, rough, shade, disc };
}

function ramp(stops: Stops): Uint8Array {
  const table = new Uint8Array(1024 * 3);
  const parsed = stops.map(([at, hex]) => [at, [1, 3, 5].map((k) => Number.parseInt(hex.slice(k, k + 2), 16))] as const);
  for (let i = 0; i < 1024; i++) {
    const value = i / 1023;
    const next = Math.max(1, parsed.findIndex(([at]) => at >= value));
    const [from, one] = parsed[next - 1] ?? [0, []];
    const [to, other] = parsed[next] ?? [1, []];
    const k = (value - from) / (to - from);
    for (let c = 0; c < 3; c++) table[i * 3 + c] = Math.round((one[c] ?? 0) * (1 - k) + (other[c] ?? 0) * k);
  }
  return table;
}

const ENCODED = ['-c:v', 'libx264', '-preset', 'slow', '-crf', '27', '-threads', '1', '-g', '60', '-pix_fmt', 'yuv420p'].concat([
  ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int'],
  ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'],
  ...['-movflags', '+faststart', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-map_metadata', '-1', '-y'],
]);

const still = process.argv.includes('--still') ? Number(process.argv[process.argv.indexOf('--still') + 1]) : null;
const folder = path.join(import.meta.dirname, '../../films');
const metal = engrave();
const writers = Object.entries(TIERS).map(([tier, { face, disc }]) => {
  const output = still === null ? [...ENCODED, path.join(folder, `${tier}.mp4`)] : ['-frames:v', '1', '-y', `/tmp/${tier}.png`];
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(FPS), '-i', 'pipe:0'];
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...input, ...output], { stdio: ['pipe', 'inherit', 'inherit'] });
  return { ffmpeg, ended: once(ffmpeg, 'exit'), face: ramp(face), disc: ramp(disc), pixels: Buffer.alloc(WIDTH * HEIGHT * 3) };
});

for (let frame = still ?? 0; frame < (still === null ? FRAMES : still + 1); frame++) {
  const turn = (frame / FRAMES) * Math.PI;
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const rough = metal.rough[i] ?? 0;
    const inside = metal.disc[i] ?? 0;
    const a = (metal.angle[i] ?? 0) + rough * 0.05;
    const rays = 0.2 + 0.62 * fan(a, turn + 0.9, 0.2) + 0.34 * fan(a, turn + 2.35, 0.42);
    const rings = 0.34 + 0.5 * fan(a, 1.2 - turn, 0.24) + 0.24 * fan(a, 2.8 - turn, 0.4);
    const light = (rays * (1 - inside) + rings * inside) * (1 + 0.3 * rough) + (metal.shade[i] ?? 0);
    const level = Math.round(Math.min(1, Math.max(0, light)) * 1023) * 3;
    for (const { face, disc, pixels } of writers) {
      for (let c = 0; c < 3; c++) {
        pixels[i * 3 + c] = (face[level + c] ?? 0) * (1 - inside) + (disc[level + c] ?? 0) * inside;
      }
    }
  }
  for (const { ffmpeg, pixels } of writers) {
    if (!ffmpeg.stdin.write(Buffer.from(pixels))) await once(ffmpeg.stdin, 'drain');
  }
}
for (const { ffmpeg, ended } of writers) {
  ffmpeg.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}
