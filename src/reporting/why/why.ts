/** All that the bucket knows of one variant, or of one scene. */

import { FAILURES, type FailureClass } from '../../contracts/failures.ts';
import { batchIdOf, objectKeys } from '../../contracts/ids.ts';
import { videosOf } from '../../planning/manifest.ts';
import type { ManifestReader } from '../../planning/manifest-reader.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readOutcomes } from '../outcomes.ts';
import { type FailureLine, reproduceCommand } from './failure-line.ts';
import { readFailureLines } from './failure-lines.ts';
import type { Planned } from './find-planned.ts';

export interface WhyAttempt extends FailureLine {
  /** Where staff read reports; `s3://bucket/key` where nobody said. */
  readonly screenshotUrl: string | null;
}

export interface WhyOutcome {
  readonly outcome: 'rendered' | 'cached' | 'failed';
  readonly failureClass: FailureClass | null;
  readonly message: string | null;
  readonly renderMs: number | null;
  readonly pointers: number | null;
}

export interface WhyVideo {
  readonly rendition: string;
  /** Null: it is not stored. */
  readonly url: string | null;
  readonly posterUrl: string | null;
}

export interface Why {
  readonly kind: Planned['kind'];
  readonly key: string;
  readonly batch: string;
  readonly page: number;
  readonly index: number;
  /** People who share it; null: a scene. */
  readonly people: number | null;
  readonly template: { readonly id: string; readonly digest: string };
  /** Id of the template's scene; null for a video and for the soundtrack. */
  readonly scene: string | null;
  readonly rendition: string;
  readonly engine: string;
  /** Whether a report was written: until then an outcome may still come. */
  readonly isClosed: boolean;
  /** Null: none was recorded, or it is a scene. */
  readonly outcome: WhyOutcome | null;
  /** Of the outcome or, without one, of the last failed attempt; null: nothing failed. */
  readonly failureClass: FailureClass | null;
  readonly advice: string | null;
  readonly actor: string | null;
  /** Failed attempts, the first one first. */
  readonly attempts: readonly WhyAttempt[];
  /** Attempts before one of these that left nothing: their worker died, or could not reach the bucket. */
  readonly silent: readonly { readonly activity: string; readonly attempt: number }[];
  /** Keys of what should tell of an attempt, and does not. */
  readonly unreadable: readonly string[];
  /** What was looked through before it was found and could not be read: it may stand in a newer batch as well. */
  readonly damaged: readonly string[];
  readonly videos: readonly WhyVideo[];
  readonly reproduce: string;
}

export async function explain(
  { store, manifests }: { readonly store: ObjectStore; readonly manifests: ManifestReader },
  planned: Planned,
  signal?: AbortSignal,
): Promise<Why> {
  const { kind, key, batch, page, index, plan } = planned;
  const url = (one: string): string => store.url(one, plan.publicUrl);
  const { attempts, unreadable } = await readFailureLines(store, planned, signal);
  const outcome = planned.kind === 'variant' ? await outcomeOf(store, planned, signal) : null;
  const videos: WhyVideo[] = [];
  for (const video of planned.kind === 'variant' ? videosOf(planned.variant) : []) {
    const [mp4, poster] = [objectKeys.video(video.key), objectKeys.poster(video.key)];
    const has = (one: string): Promise<boolean> => store.head(one, signal).then((head) => head !== null);
    const [hasVideo, hasPoster] = await Promise.all([has(mp4), has(poster)]);
    videos.push({
      rendition: video.rendition,
      url: hasVideo ? url(mp4) : null,
      posterUrl: hasPoster ? url(poster) : null,
    });
  }
  const failed = outcome === null ? (attempts.at(-1)?.line.failureClass ?? null) : outcome.failureClass;
  const batchId = batchIdOf(batch);
  return {
    ...{ kind, key, batch: batchId, page, index },
    people: planned.kind === 'variant' ? await peopleOf(manifests, planned) : null,
    template: plan.template,
    scene: planned.kind === 'scene' ? planned.scene.scene : null,
    rendition: planned.kind === 'variant' ? planned.variant.rendition : plan.rendition,
    engine: plan.engine.digest,
    isClosed: (await store.head(objectKeys.reportJson(batch), signal)) !== null,
    outcome,
    failureClass: failed,
    advice: failed && FAILURES[failed].sentence,
    actor: failed && FAILURES[failed].actor,
    attempts: attempts.map(({ line, screenshot }) => {
      return { ...line, screenshotUrl: screenshot && store.reportUrl(screenshot) };
    }),
    silent: silentAttempts(attempts.map(({ line }) => line)),
    unreadable,
    damaged: planned.damaged,
    videos,
    reproduce: reproduceCommand({ kind, key, batch: batchId }),
  };
}

async function outcomeOf(
  store: ObjectStore,
  { batch, key }: Planned,
  signal?: AbortSignal,
): Promise<WhyOutcome | null> {
  const recorded = await readOutcomes(store, batch, signal);
  const found = [...recorded.values()].find((outcome) => outcome.key === key);
  if (found === undefined) return null;
  if (found.outcome !== 'failed') {
    const { outcome, renderMs, pointers } = found;
    return { outcome, failureClass: null, message: null, renderMs, pointers };
  }
  const { outcome, failureClass, message } = found;
  return { outcome, failureClass, message, renderMs: null, pointers: null };
}

async function peopleOf(manifests: ManifestReader, planned: Planned & { readonly kind: 'variant' }): Promise<number> {
  let people = 0;
  for await (const _ of manifests.recipientsOf(planned.batch, planned.variant)) people += 1;
  return people;
}

/** Attempts are numbered: where one before a failed one is missing, it failed without a word. */
export function silentAttempts(lines: readonly Pick<FailureLine, 'runId' | 'activity' | 'attempt'>[]): Why['silent'] {
  const runs = Map.groupBy(lines, ({ runId, activity }) => `${runId} ${activity}`);
  return [...runs.values()].flatMap((run) => {
    const told = new Set(run.map(({ attempt }) => attempt));
    const numbers = Array.from({ length: Math.max(...told) }, (_, at) => at + 1);
    const [{ activity } = { activity: 'renderVariant' }] = run;
    return numbers.filter((attempt) => !told.has(attempt)).map((attempt) => ({ activity, attempt }));
  });
}
