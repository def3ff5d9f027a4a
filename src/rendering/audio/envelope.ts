/** How loud a clip is over its time: volume, automation and fades as HyperFrames means them. */

import { type HfAutomationLane, parseAutomation, sampleAutomationLane } from '@hyperframes/core/audio-automation';
import { fadeGain } from '@hyperframes/core/audio-fade';
import type { Failure } from '../../contracts/failures.ts';

/** Plain data: part of a soundtrack's digest. */
export interface Envelope {
  /** Linear gain of the clip. */
  readonly volume: number;
  /** Linear gain of the group that it belongs to. */
  readonly groupVolume: number;
  readonly fadeInSeconds: number;
  readonly fadeOutSeconds: number;
  /** Gain by the second of the clip; where there is one, it stands in for the clip's own volume. */
  readonly lane: HfAutomationLane | null;
}

export interface DeclaredEnvelope extends Omit<Envelope, 'lane'> {
  /** The attribute `data-automation`. */
  readonly automation: string | null;
}

/** Throws `wrong(…)` for automation that cannot be read, or that moves something else than the volume. */
export function envelopeOf(
  { automation, ...rest }: DeclaredEnvelope,
  wrong: (what: string, cause?: unknown) => Failure,
): Envelope {
  if (automation === null || automation.trim() === '') return { ...rest, lane: null };
  const lanes = parsed(automation, wrong);
  if (lanes.some(({ target }) => target !== 'volume')) {
    throw wrong('its data-automation moves more than the volume; only the volume is rendered');
  }
  return { ...rest, lane: lanes[0] ?? null };
}

function parsed(automation: string, wrong: (what: string, cause?: unknown) => Failure): readonly HfAutomationLane[] {
  try {
    return parseAutomation(automation).lanes;
  } catch (cause) {
    throw wrong('its data-automation cannot be read', cause);
  }
}

/** Gain at a moment of a clip that lasts `durationSeconds`. */
export function gainAt(envelope: Envelope, seconds: number, durationSeconds: number): number {
  const { volume, groupVolume, lane, fadeInSeconds: fadeIn, fadeOutSeconds: fadeOut } = envelope;
  const level = lane === null ? volume : sampleAutomationLane(lane, seconds);
  return level * groupVolume * fadeGain(seconds, durationSeconds, { fadeIn, fadeOut });
}

export const isConstant = ({ lane, fadeInSeconds, fadeOutSeconds }: Envelope): boolean =>
  lane === null && fadeInSeconds === 0 && fadeOutSeconds === 0;
