/** Scenes that were rendered and checked, each once for whoever shares it → one recipient's video. No browser, no process. */

import { createHash } from 'node:crypto';
import { Failure } from '../contracts/failures.ts';
import type { Rendition } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import type { Soundtrack } from './audio/soundtrack.ts';
import { frameSizeOf, type Size } from './geometry.ts';
import { assemble } from './mp4/assemble.ts';
import type { StoredScene } from './mp4/stored-scene.ts';
import { isMoreTelling } from './stills/poster-choice.ts';
import { assertJoined } from './verify/joined.ts';

export interface JoinRequest {
  readonly template: Template;
  readonly rendition: Rendition;
  /** All of the template's, in order. */
  readonly scenes: readonly StoredScene[];
  /** Null: the template is silent. */
  readonly soundtrack: Soundtrack | null;
}

export interface JoinedVideo extends Size {
  /** The MP4. */
  readonly bytes: Uint8Array;
  /** JPEG of a telling frame. */
  readonly poster: Uint8Array;
  readonly durationMs: number;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
}

/**
 * The same bytes for the same scenes, always. Failure `AssemblyMismatch` when they were not encoded alike; `OutputInvalid` when
 * the whole has not the template's length. Pictures are not looked at again: each scene's were, when it was rendered.
 */
export async function joinScenes({ template, rendition, scenes, soundtrack }: JoinRequest): Promise<JoinedVideo> {
  const clips = scenes.map(({ clip }) => clip);
  const size = frameSizeOf(template, rendition);
  for (const [index, { id, start, end }] of template.scenes.entries()) {
    const { frameCount: has, decoderConfig: { codedWidth, codedHeight } = {} } = clips[index] ?? {};
    if (has !== end - start) {
      throw new Failure('AssemblyMismatch', `Scene '${id}' has ${has ?? 'no'} frames, not ${end - start}.`);
    }
    if (codedWidth !== size.width || codedHeight !== size.height) {
      const [is, should] = [`${codedWidth}x${codedHeight}`, `${size.width}x${size.height}`];
      throw new Failure('AssemblyMismatch', `Scene '${id}' is ${is}, not ${should}.`);
    }
  }
  const bytes = await assemble(clips, { audio: soundtrack });
  const { frameCount, durationMs } = template;
  const packets = [frameCount, ...(soundtrack === null ? [] : [soundtrack.packets.length])];
  assertJoined(bytes, { packets, durationMs });
  return {
    ...size,
    bytes,
    poster: posterOf(scenes),
    durationMs,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

/** The most telling of the scenes' stills, as if they had been frames of one video. */
function posterOf(scenes: readonly StoredScene[]): Uint8Array {
  const [first, ...others] = scenes.flatMap(({ still }) => (still === null ? [] : [still]));
  if (first === undefined) throw new Failure('AssemblyMismatch', 'No scene brings a picture for the poster.');
  return others.reduce((best, still) => (isMoreTelling(still.score, best.score) ? still : best), first).jpeg;
}
