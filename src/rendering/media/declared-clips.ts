/** Sounds and videos of a composition as its author declared them: read from the ready page; and what their times mean. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import type { DevTools } from '../browser/devtools.ts';

const attributes = z.partialRecord(
  z.enum([
    ...['start', 'duration', 'end', 'playback-start', 'media-start', 'playback-rate'],
    ...['volume', 'fade-in', 'fade-out', 'automation', 'fx-chain'],
  ] as const),
  z.string(),
);
const declaredClips = z.array(
  z.object({
    id: z.string(),
    kind: z.enum(['audio', 'video']),
    src: z.string(),
    /** What the engine's script calls a `<video>` by; null for sound. */
    video: z.int().nullable(),
    isHeard: z.boolean(),
    problem: z.enum(['missing', 'circular', 'open-ended', 'unreadable']).nullable(),
    startSeconds: z.number(),
    hostEndSeconds: z.number().nullable(),
    loops: z.boolean(),
    claimsAudio: z.boolean(),
    isTweened: z.boolean(),
    attributes,
    group: attributes.nullable(),
  }),
);
export type DeclaredClip = z.infer<typeof declaredClips>[number];

/** Evaluated in the page: part of the engine's fingerprint. */
export const CLIPS_SCRIPT = readFileSync(new URL('./inject/clips.js', import.meta.url), 'utf8');

/** What is open in the page now. Clips may depend on params, so this is asked for each video, after its params were applied. */
export const readDeclared = async (devtools: Pick<DevTools, 'evaluate'>): Promise<DeclaredClip[]> =>
  declaredClips.parse(await devtools.evaluate(CLIPS_SCRIPT));

/** Makes a failure that speaks of one clip. */
export type Wrong = (what: string, cause?: unknown) => Failure;

/** `name`: `audio clip 2 of 3`. */
export const wrongIn =
  (template: Template, { kind, id, src }: DeclaredClip, name: string): Wrong =>
  (what, cause) =>
    new Failure('TemplateInvalid', `Template '${template.id}', ${name}: ${what}.`, {
      // Ids and addresses may be made of a recipient's values.
      detail: `<${kind} id="${id}"> ${src.slice(0, 120)}`,
      cause,
    });

/** When a clip is there, as its author wrote it. */
export interface ClipTimes {
  readonly startSeconds: number;
  /** Null: as long as its file. */
  readonly authoredSeconds: number | null;
  /** Where in its file it begins. */
  readonly mediaStartSeconds: number;
  readonly rate: number;
}

const START_PROBLEMS = {
  missing: 'its data-start names an element that does not exist',
  circular: 'its data-start depends on itself',
  'open-ended': 'its data-start names a clip without data-duration. Write how long that clip is',
  unreadable: "its data-start is neither a number of seconds nor 'id', 'id + seconds' or 'id - seconds'",
} as const;
/** The range that HyperFrames plays. */
const RATES = { least: 0.1, most: 10 } as const;

/** Throws `wrong(…)` for what means no time. */
export function timesOf(declared: DeclaredClip, template: Pick<Template, 'durationMs'>, wrong: Wrong): ClipTimes {
  const { attributes: written, startSeconds } = declared;
  const seconds = secondsIn(declared, wrong);
  if (declared.problem !== null) throw wrong(START_PROBLEMS[declared.problem]);
  if (Number(written.start) < 0) throw wrong('its data-start is negative. Cut its beginning off with data-media-start');
  if (startSeconds * 1000 >= template.durationMs) {
    throw wrong(`it starts at ${startSeconds} s, after the end of the video`);
  }
  const authoredEnd = seconds('end');
  const authored = seconds('duration', { above: true }) ?? (authoredEnd === null ? null : authoredEnd - startSeconds);
  if (authored !== null && authored <= 0) throw wrong('its data-end is not after its start');
  const rate = Number(written['playback-rate'] ?? 1);
  if (!(rate >= RATES.least && rate <= RATES.most)) {
    throw wrong(`its data-playback-rate is not a number from ${RATES.least} to ${RATES.most}`);
  }
  const mediaStartSeconds = seconds('playback-start') ?? seconds('media-start') ?? 0;
  return { startSeconds, authoredSeconds: authored, mediaStartSeconds, rate };
}

/** Reads attributes that are seconds; null where one is not written. */
export const secondsIn =
  ({ attributes: written }: DeclaredClip, wrong: Wrong) =>
  (attribute: keyof typeof written, { above = false } = {}): number | null => {
    const text = written[attribute];
    if (text === undefined || text.trim() === '') return null;
    const value = Number(text);
    if (Number.isFinite(value) && (above ? value > 0 : value >= 0)) return value;
    throw wrong(`its data-${attribute} is not a number of seconds ${above ? 'above 0' : 'from 0 on'}`);
  };

export const STARTS_TOO_LATE = 'it starts after the end of the composition that it is in';
