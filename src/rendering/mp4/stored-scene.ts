/**
 * Scenes and soundtracks as they lie in the store: a line of JSON that says what follows, the bytes that it speaks of, and a
 * checksum over all of it. The same scene gives the same bytes.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { Soundtrack } from '../audio/soundtrack.ts';
import { bytesOf, type Clip } from './clip.ts';

/** A scene of one or many videos. */
export interface StoredScene {
  readonly clip: Clip;
  /** A frame of it that may become the poster, as JPEG, and what it is worth; null when the poster is of another scene. */
  readonly still: { readonly jpeg: Uint8Array; readonly score: number } | null;
}

/** Four bytes in front of everything: what it is, and the version of the format. */
const MAGIC = Buffer.from('NRS1', 'latin1');
const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 32;

const count = z.int().min(0);
const colours = z.record(z.string(), z.unknown());
const head = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('scene'),
    config: z.object({ codec: z.string(), codedWidth: count, codedHeight: count, colorSpace: colours.optional() }),
    fps: z.int().positive(),
    /** Bytes, whether it is a keyframe, frame. */
    packets: z.array(z.tuple([count, z.boolean(), count])).min(1),
    descriptionBytes: count,
    still: z.object({ bytes: count, score: z.number() }).nullable(),
  }),
  z.object({
    kind: z.literal('soundtrack'),
    config: z.object({ codec: z.string(), sampleRate: count, numberOfChannels: count }),
    packets: z.array(count).min(1),
    descriptionBytes: count,
    primingSamples: count,
    sampleCount: count,
    loudness: z.record(z.string(), z.number()),
  }),
  z.object({ kind: z.literal('silence') }),
]);
type Head = z.infer<typeof head>;

export function packScene({ clip, still }: StoredScene): Uint8Array {
  const { description, ...config } = clip.decoderConfig;
  const parameters = bytesOf(description);
  const about = {
    kind: 'scene',
    config,
    fps: clip.fps,
    packets: clip.packets.map(({ data, isKey, frame }) => [data.byteLength, isKey, frame]),
    descriptionBytes: parameters.byteLength,
    still: still === null ? null : { bytes: still.jpeg.byteLength, score: still.score },
  };
  const jpegs = still === null ? [] : [still.jpeg];
  return seal(about, [parameters, ...clip.packets.map(({ data }) => data), ...jpegs]);
}

/** Null: there is nothing to be heard. */
export function packSoundtrack(soundtrack: Soundtrack | null): Uint8Array {
  if (soundtrack === null) return seal({ kind: 'silence' }, []);
  const { decoderConfig, packets, primingSamples, sampleCount, loudness } = soundtrack;
  const { description, ...config } = decoderConfig;
  const parameters = bytesOf(description);
  const sizes = packets.map(({ byteLength }) => byteLength);
  const about = {
    config,
    packets: sizes,
    descriptionBytes: parameters.byteLength,
    primingSamples,
    sampleCount,
    loudness,
  };
  return seal({ kind: 'soundtrack', ...about }, [parameters, ...packets]);
}

/**
 * Of bytes that `assertSound` has passed, once: the checksum is not computed again. What comes out are views into `bytes`.
 * Failure `SceneDamaged` when it is no scene.
 */
export function unpackScene(bytes: Uint8Array): StoredScene {
  const { about, take } = open(bytes);
  if (about.kind !== 'scene') throw damaged(`is a ${about.kind}, not a scene`);
  const { config, descriptionBytes, fps, packets: listed, still } = about;
  const description = take(descriptionBytes);
  const packets = listed.map(([size, isKey, frame]) => ({ data: take(size), isKey, frame }));
  const decoderConfig = { ...config, description } as VideoDecoderConfig;
  const clip = { decoderConfig, fps, frameCount: packets.length, packets };
  return { clip, still: still === null ? null : { jpeg: take(still.bytes), score: still.score } };
}

/** The same for a soundtrack. */
export function unpackSoundtrack(bytes: Uint8Array): Soundtrack | null {
  const { about, take } = open(bytes);
  if (about.kind === 'silence') return null;
  if (about.kind !== 'soundtrack') throw damaged(`is a ${about.kind}, not a soundtrack`);
  const { config, descriptionBytes, packets: sizes, primingSamples, sampleCount, loudness } = about;
  const description = take(descriptionBytes);
  const packets = sizes.map((size) => take(size));
  const sizeBytes = sizes.reduce((total, size) => total + size, 0);
  const rest = { primingSamples, sampleCount, loudness: loudness as unknown as Soundtrack['loudness'], sizeBytes };
  return { packets, decoderConfig: { ...config, description }, ...rest };
}

/** Failure `SceneDamaged` unless these are the bytes of a whole, unaltered scene or soundtrack of this version. */
export function assertSound(bytes: Uint8Array): void {
  const body = bytes.subarray(0, Math.max(0, bytes.byteLength - CHECKSUM_BYTES));
  if (body.byteLength < MAGIC.byteLength + LENGTH_BYTES || MAGIC.compare(body, 0, MAGIC.byteLength) !== 0) {
    throw damaged('is no scene of this version');
  }
  if (!checksumOf([body]).equals(bytes.subarray(body.byteLength))) throw damaged('is cut off or altered');
}

function seal(about: object, parts: readonly Uint8Array[]): Uint8Array {
  const json = Buffer.from(JSON.stringify(about));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(json.byteLength);
  const all = [MAGIC, length, json, ...parts];
  // Not of Buffer's pool, whose other parts would be kept in memory with it.
  const sealed = new Uint8Array(all.reduce((total, { byteLength }) => total + byteLength, CHECKSUM_BYTES));
  let at = 0;
  for (const part of [...all, checksumOf(all)]) {
    sealed.set(part, at);
    at += part.byteLength;
  }
  return sealed;
}

function open(bytes: Uint8Array): { about: Head; take: (size: number) => Uint8Array } {
  const end = bytes.byteLength - CHECKSUM_BYTES;
  if (end < MAGIC.byteLength + LENGTH_BYTES) throw damaged('is shorter than it says');
  const jsonBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.byteLength, true);
  let at = MAGIC.byteLength + LENGTH_BYTES;
  const take = (size: number): Uint8Array => {
    if (at + size > end) throw damaged('is shorter than it says');
    at += size;
    return bytes.subarray(at - size, at);
  };
  try {
    return { about: head.parse(JSON.parse(Buffer.from(take(jsonBytes)).toString('utf8'))), take };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw damaged('does not say what it holds', error);
  }
}

function checksumOf(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const damaged = (how: string, cause?: unknown): Failure =>
  new Failure('SceneDamaged', `A stored scene ${how}.`, { cause });
