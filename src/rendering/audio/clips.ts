/** What of a composition can be heard, as its author declared it: read from the ready page, checked, in samples. */

import { readFileSync } from 'node:fs';
import { MAX_AUDIO_GAIN } from '@hyperframes/core/audio-gain';
import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import type { DevTools } from '../browser/devtools.ts';
import { type Envelope, envelopeOf } from './envelope.ts';
import { SAMPLE_RATE, samplesOf } from './pcm.ts';
import { type AudioSource, sourceOf } from './source.ts';

/** One clip on the timeline of the whole video. All positions and lengths are samples at 48 kHz. */
export interface AudioClip {
  readonly source: AudioSource;
  /** Where in the video it begins. */
  readonly start: number;
  /** How long it may last: to the end of the video, of its composition, or what its author wrote; the source may be shorter. */
  readonly limit: number;
  /** Where in the source it begins. */
  readonly sourceStart: number;
  /** Sounds again from `sourceStart` when the source ends before `limit` does. */
  readonly loops: boolean;
  /** Speed, its pitch kept. */
  readonly rate: number;
  readonly envelope: Envelope;
  /** Whether it is an error that the source holds no sound; a video's may well not. */
  readonly claimsAudio: boolean;
  /** A failure that speaks of this clip. */
  readonly wrong: (what: string, cause?: unknown) => Failure;
}

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
type DeclaredClip = z.infer<typeof declaredClips>[number];

const START_PROBLEMS = {
  missing: 'its data-start names an element that does not exist',
  circular: 'its data-start depends on itself',
  'open-ended': 'its data-start names a clip without data-duration. Write how long that clip is',
  unreadable: "its data-start is neither a number of seconds nor 'id', 'id + seconds' or 'id - seconds'",
} as const;
/** The range that HyperFrames plays. */
const RATES = { least: 0.1, most: 10 } as const;

/** Evaluated in the page: part of the engine's fingerprint. */
export const CLIPS_SCRIPT = readFileSync(new URL('./inject/clips.js', import.meta.url), 'utf8');

/**
 * The clips of what is open in the page now; none when it declares no sound. Clips may depend on params, so this is asked
 * once per video, after its params were applied. Failure `TemplateInvalid` says which clip is wrong and how;
 * `NetworkForbidden` that its source is not in the template.
 */
export async function readClips(devtools: Pick<DevTools, 'evaluate'>, template: Template): Promise<AudioClip[]> {
  const declared = declaredClips.parse(await devtools.evaluate(CLIPS_SCRIPT));
  const named = declared.map((clip, index) => ({ clip, name: `audio clip ${index + 1} of ${declared.length}` }));
  return await Promise.all(named.map(({ clip, name }) => clipOf(clip, template, name)));
}

async function clipOf(declared: DeclaredClip, template: Template, name: string): Promise<AudioClip> {
  const { attributes: written, group, startSeconds, hostEndSeconds } = declared;
  const wrong = (what: string, cause?: unknown): Failure =>
    new Failure('TemplateInvalid', `Template '${template.id}', ${name}: ${what}.`, {
      // Ids and addresses may be made of a recipient's values.
      detail: `<${declared.kind} id="${declared.id}"> ${declared.src.slice(0, 120)}`,
      cause,
    });
  const seconds = (attribute: keyof typeof written, { above = false } = {}): number | null => {
    const text = written[attribute];
    if (text === undefined || text.trim() === '') return null;
    const value = Number(text);
    if (Number.isFinite(value) && (above ? value > 0 : value >= 0)) return value;
    throw wrong(`its data-${attribute} is not a number of seconds ${above ? 'above 0' : 'from 0 on'}`);
  };

  if (declared.problem !== null) throw wrong(START_PROBLEMS[declared.problem]);
  if (Number(written.start) < 0) throw wrong('its data-start is negative. Cut its beginning off with data-media-start');
  for (const unheard of [written, group ?? {}]) {
    if (unheard['fx-chain'] !== undefined) {
      throw wrong('it has effects (data-fx-chain), which are not rendered. Put them into the file');
    }
  }
  if (group?.automation !== undefined) throw wrong('its group is automated; automate the clip instead');
  if (declared.isTweened) {
    throw wrong('a timeline animates its volume. Use data-fade-in, data-fade-out or data-automation instead');
  }

  const start = samplesOf(startSeconds);
  const end = template.durationMs * (SAMPLE_RATE / 1000);
  if (start >= end) throw wrong(`it starts at ${startSeconds} s, after the end of the video`);
  const authoredEnd = seconds('end');
  const authored = seconds('duration', { above: true }) ?? (authoredEnd === null ? null : authoredEnd - startSeconds);
  if (authored !== null && authored <= 0) throw wrong('its data-end is not after its start');
  const limits = [end - start];
  if (authored !== null) limits.push(samplesOf(authored));
  // Outside of its composition nothing of it sounds.
  if (hostEndSeconds !== null) limits.push(samplesOf(hostEndSeconds) - start);
  const limit = Math.min(...limits);
  if (limit <= 0) throw wrong('it starts after the end of the composition that it is in');

  const rate = Number(written['playback-rate'] ?? 1);
  if (!(rate >= RATES.least && rate <= RATES.most)) {
    throw wrong(`its data-playback-rate is not a number from ${RATES.least} to ${RATES.most}`);
  }
  return {
    source: await sourceOf(declared.src, template, wrong),
    start,
    limit,
    sourceStart: samplesOf(seconds('playback-start') ?? seconds('media-start') ?? 0),
    // HyperFrames repeats what it is given time for; without one, a clip lasts as long as its source.
    loops: declared.loops && authored !== null,
    rate,
    envelope: envelopeOf(
      {
        volume: gainOf(written.volume, wrong),
        groupVolume: gainOf(group?.volume, wrong),
        fadeInSeconds: seconds('fade-in') ?? 0,
        fadeOutSeconds: seconds('fade-out') ?? 0,
        automation: written.automation ?? null,
      },
      wrong,
    ),
    claimsAudio: declared.claimsAudio,
    wrong,
  };
}

function gainOf(text: string | undefined, wrong: (what: string) => Failure): number {
  const gain = Number(text ?? 1);
  // 12 dB is the most that HyperFrames plays.
  if (gain >= 0 && gain <= MAX_AUDIO_GAIN) return gain;
  throw wrong(`its volume is not a factor from 0 to ${MAX_AUDIO_GAIN.toFixed(2)}: 1 is as loud as the file is`);
}
