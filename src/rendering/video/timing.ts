/** Which picture of a film belongs to which frame of the video: HyperFrames' own rule (its `getFrameIndexAtTime`). Pure. */

import type { Film } from './film.ts';

/** The pictures of a film from a moment on, as many a second as the video has frames: each is what the film shows at its moment. */
export interface Strip {
  readonly film: Film;
  readonly fps: number;
  readonly mediaStartSeconds: number;
  /** As many as there are until the film ends, one at least. */
  readonly count: number;
}

/** A strip on the timeline of the whole video. */
export interface Playback {
  readonly strip: Strip;
  readonly startSeconds: number;
  /** When it is no longer seen; the film may end before: its last picture is held, or it begins anew. */
  readonly endSeconds: number;
  readonly rate: number;
  readonly loops: boolean;
}

/** A clip that begins so near to a frame, in frames, begins with it. */
const SNAP = 1e-3;
/** 0.28 s * 25 is 6.999999999999999. */
const ROUNDING = 1e-9;
/** A browser shows the first picture of a film that begins later than its sound already a second before. */
const LEAD_SHOWN_SECONDS = 1 - 1e-6;
const LAST_MOMENT = 1e-6;

/** `mediaStartSeconds` after the end of the film: its last picture. */
export function stripOf(film: Film, fps: number, mediaStartSeconds: number): Strip {
  const start = Math.min(mediaStartSeconds, Math.max(0, film.endSeconds - LAST_MOMENT));
  const count = Math.max(1, Math.ceil((film.endSeconds - start) * fps - LAST_MOMENT));
  return { film, fps, mediaStartSeconds: start, count };
}

/** Null: nothing of it is seen in this frame. */
export function pictureAt({ strip, startSeconds, endSeconds, rate, loops }: Playback, frame: number): number | null {
  const { film, fps, mediaStartSeconds, count } = strip;
  if (frame < snapped(startSeconds * fps) || frame >= snapped(endSeconds * fps)) return null;
  const elapsed = Math.max(0, frame / fps - startSeconds);
  const cycle = (film.endSeconds - mediaStartSeconds) / rate;
  const seconds = (loops && elapsed >= cycle ? elapsed % cycle : elapsed) * rate;
  if (film.leadSeconds - (mediaStartSeconds + seconds) >= LEAD_SHOWN_SECONDS) return null;
  return Math.min(count - 1, Math.floor(seconds * fps + ROUNDING));
}

function snapped(frames: number): number {
  const nearest = Math.round(frames);
  return Math.abs(frames - nearest) <= SNAP ? nearest : frames;
}
