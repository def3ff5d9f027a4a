/** What of a composition can be heard, as its author declared it: read from the ready page, checked, in samples. */

import { MAX_AUDIO_GAIN } from '@hyperframes/core/audio-gain';
import type { Template } from '../../templates/template.ts';
import type { DevTools } from '../browser/devtools.ts';
import {
  type DeclaredClip,
  readDeclared,
  STARTS_TOO_LATE,
  secondsIn,
  timesOf,
  type Wrong,
  wrongIn,
} from '../media/declared-clips.ts';
import { type MediaSource, sourceOf } from '../media/source.ts';
import { type Envelope, envelopeOf } from './envelope.ts';
import { SAMPLE_RATE, samplesOf } from './pcm.ts';

/** One clip on the timeline of the whole video. All positions and lengths are samples at 48 kHz. */
export interface AudioClip {
  readonly source: MediaSource;
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
  readonly wrong: Wrong;
}

/**
 * The clips of what is open in the page now; none when it declares no sound. Clips may depend on params, so this is asked
 * once per video, after its params were applied. Failure `TemplateInvalid` says which clip is wrong and how;
 * `NetworkForbidden` that its source is not in the template.
 */
export async function readClips(devtools: Pick<DevTools, 'evaluate'>, template: Template): Promise<AudioClip[]> {
  const declared = (await readDeclared(devtools)).filter(({ isHeard }) => isHeard);
  const named = declared.map((clip, index) => ({ clip, name: `audio clip ${index + 1} of ${declared.length}` }));
  return await Promise.all(named.map(({ clip, name }) => clipOf(clip, template, name)));
}

async function clipOf(declared: DeclaredClip, template: Template, name: string): Promise<AudioClip> {
  const { attributes: written, group, hostEndSeconds } = declared;
  const wrong = wrongIn(template, declared, name);
  const seconds = secondsIn(declared, wrong);
  const { startSeconds, authoredSeconds, mediaStartSeconds, rate } = timesOf(declared, template, wrong);
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
  const limits = [template.durationMs * (SAMPLE_RATE / 1000) - start];
  if (authoredSeconds !== null) limits.push(samplesOf(authoredSeconds));
  // Outside of its composition nothing of it sounds.
  if (hostEndSeconds !== null) limits.push(samplesOf(hostEndSeconds) - start);
  const limit = Math.min(...limits);
  if (limit <= 0) throw wrong(STARTS_TOO_LATE);

  return {
    source: await sourceOf(declared.src, template, wrong),
    start,
    limit,
    sourceStart: samplesOf(mediaStartSeconds),
    // HyperFrames repeats what it is given time for; without one, a clip lasts as long as its source.
    loops: declared.loops && authoredSeconds !== null,
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

function gainOf(text: string | undefined, wrong: Wrong): number {
  const gain = Number(text ?? 1);
  // 12 dB is the most that HyperFrames plays.
  if (gain >= 0 && gain <= MAX_AUDIO_GAIN) return gain;
  throw wrong(`its volume is not a factor from 0 to ${MAX_AUDIO_GAIN.toFixed(2)}: 1 is as loud as the file is`);
}
