import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type DeclaredEnvelope, envelopeOf } from '../../src/rendering/audio/envelope.ts';
import { mix, type Voice } from '../../src/rendering/audio/mix.ts';
import { lengthOf, loudnessOf, type Pcm, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';

const wrong = (what: string): Error => new Error(what);
const LOUD: DeclaredEnvelope = { volume: 1, groupVolume: 1, fadeInSeconds: 0, fadeOutSeconds: 0, automation: null };
const envelope = (changes: Partial<DeclaredEnvelope> = {}) => envelopeOf({ ...LOUD, ...changes }, wrong as never);
const level = (value: number, length: number): Pcm => new Float32Array(length * 2).fill(value);
const voice = (changes: Partial<Voice>): Voice => {
  const pcm = changes.pcm ?? level(0.25, 100);
  return { pcm, start: 0, length: lengthOf(pcm), envelope: envelope(), ...changes };
};
const left = (pcm: Pcm): number[] => [...pcm].filter((_, index) => index % 2 === 0);

describe('mixing', () => {
  test('a voice is heard where it is placed and nowhere else, and sounds together add up', () => {
    const mixed = mix([voice({ start: 10, pcm: level(0.25, 20) }), voice({ start: 20, pcm: level(0.5, 20) })], 50);
    expect(left(mixed)).toEqual([
      ...Array(10).fill(0),
      ...Array(10).fill(0.25),
      ...Array(10).fill(0.75),
      ...Array(10).fill(0.5),
      ...Array(10).fill(0),
    ]);
  });

  test('what would go on after the end of the video is cut off there', () => {
    expect(left(mix([voice({ start: 40, pcm: level(0.25, 100) })], 50)).slice(38)).toEqual([
      0,
      0,
      ...Array(10).fill(0.25),
    ]);
  });

  test('a sound that is shorter than its time is repeated', () => {
    const pcm = new Float32Array([0.1, 0.1, 0.2, 0.2, 0.3, 0.3]);
    const once = [...pcm].filter((_, index) => index % 2 === 0);
    expect(left(mix([voice({ pcm, length: 7 })], 8))).toEqual([...once, ...once, once[0], 0]);
  });

  test('left and right stay apart', () => {
    expect([...mix([voice({ pcm: new Float32Array([0.5, -0.25, 0.5, -0.25]) })], 2)]).toEqual([0.5, -0.25, 0.5, -0.25]);
  });

  test('volume and group multiply, and fades go in straight lines to and from silence', () => {
    const length = SAMPLE_RATE;
    const faded = mix(
      [
        voice({
          pcm: level(1, length),
          envelope: envelope({ volume: 0.5, groupVolume: 0.5, fadeInSeconds: 0.2, fadeOutSeconds: 0.5 }),
        }),
      ],
      length,
    );
    const at = (seconds: number): number => faded[2 * Math.round(seconds * SAMPLE_RATE)] ?? Number.NaN;
    for (const [seconds, gain] of [
      [0, 0],
      [0.05, 0.25],
      [0.1, 0.5],
      [0.2, 1],
      [0.5, 1],
      [0.75, 0.5],
      [0.95, 0.1],
    ] as const) {
      expect(at(seconds)).toBeCloseTo(gain * 0.25, 4);
    }
  });

  test('automation stands in for the volume, holds its ends, and is faded too', () => {
    const automation = JSON.stringify({
      version: 1,
      lanes: [
        {
          target: 'volume',
          points: [
            { t: 0.25, v: 0.2 },
            { t: 0.75, v: 0.8 },
          ],
        },
      ],
    });
    const length = SAMPLE_RATE;
    const mixed = mix(
      [voice({ pcm: level(1, length), envelope: envelope({ volume: 0.1, automation, fadeOutSeconds: 0.1 }) })],
      length,
    );
    const at = (seconds: number): number => mixed[2 * Math.round(seconds * SAMPLE_RATE)] ?? Number.NaN;
    for (const [seconds, gain] of [
      [0, 0.2],
      [0.25, 0.2],
      [0.5, 0.5],
      [0.8, 0.8],
      [0.95, 0.4],
    ] as const) {
      expect(at(seconds)).toBeCloseTo(gain, 4);
    }
  });
});

describe('the limiter', () => {
  const tone = (gain: number, length = 4800): Pcm =>
    Float32Array.from({ length: length * 2 }, (_, i) => gain * Math.sin(((i >> 1) / SAMPLE_RATE) * 2 * Math.PI * 440));

  test('leaves alone what is within full scale', () => {
    const pcm = tone(0.999);
    expect(mix([voice({ pcm })], 4800)).toEqual(pcm);
  });

  test('keeps every mix within full scale, and turns down no further than its loudest sample needs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gain: fc.float({ min: 0, max: 4, noNaN: true }), start: fc.nat(6000) }), {
          minLength: 1,
          maxLength: 5,
        }),
        (voices) => {
          const parts = voices.map(({ gain, start }) => voice({ pcm: tone(gain, 2400), start }));
          const mixed = mix(parts, 8000);
          const plain = new Float32Array(mixed.length);
          for (const { pcm, start } of parts) {
            for (let i = 0; i < pcm.length && 2 * start + i < plain.length; i++) {
              const at = 2 * start + i;
              plain[at] = (plain[at] ?? 0) + (pcm[i] ?? 0);
            }
          }
          const least = 1 / Math.max(1, loudnessOf(plain).peak);
          expect(loudnessOf(mixed).peak).toBeLessThanOrEqual(1);
          const isTooQuiet = (sample: number, i: number): boolean =>
            Math.abs(sample) < Math.abs(plain[i] ?? 0) * least - 1e-5;
          expect(mixed.findIndex(isTooQuiet)).toBe(-1);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('turns down around a peak only', () => {
    const quiet = level(0.5, SAMPLE_RATE);
    const peak = level(1, 10);
    const mixed = left(mix([voice({ pcm: quiet }), voice({ pcm: peak, start: SAMPLE_RATE / 2 })], SAMPLE_RATE));
    expect(Math.max(...mixed)).toBeCloseTo(1, 5);
    expect(mixed[SAMPLE_RATE / 2 - 20]).toBeLessThan(0.5);
    expect(mixed[SAMPLE_RATE / 2 - 1000]).toBe(0.5);
    expect(mixed[SAMPLE_RATE / 2 + 1100]).toBe(0.5);
  });
});
