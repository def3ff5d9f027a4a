/** All that the bucket knows of one variant, or of one scene. */

import { RENDER_STAGES, type RenderStage } from '../../contracts/batch.ts';
import { FAILURES, type FailureClass } from '../../contracts/failures.ts';
import { batchIdOf, objectKeys } from '../../contracts/ids.ts';
import { videosOf } from '../../planning/manifest.ts';
import type { ManifestReader } from '../../planning/manifest-reader.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readOutcomes } from '../outcomes.ts';
import { type RenderedOutcome, renderedOf, type Stages, stagesOf } from '../stages.ts';
import { type FailureLine, failureLineSchema, reproduceCommand } from './failure-line.ts';
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
  /** Of what the attempt that made it took; null: it made nothing, or that was not measured. */
  readonly measures: WhyMeasures | null;
}

export interface WhyMeasures {
  /** Wall time of each stage that it had, in order, beside the batch's median. */
  readonly stages: readonly { readonly stage: RenderStage; readonly ms: number; readonly usualMs: number | null }[];
  /** Null: it cannot be told there. */
  readonly cpuMs: number | null;
  readonly frames: number;
  readonly bytes: number;
  /** ISO 8601 UTC. */
  readonly endedAt: string;
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
  /** Attempts that left nothing: their worker died, or could not reach the bucket. */
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
    const measures = measuresOf(found, stagesOf(renderedOf([...recorded.values()])));
    return { outcome, failureClass: null, message: null, renderMs, pointers, measures };
  }
  const { outcome, failureClass, message } = found;
  return { outcome, failureClass, message, renderMs: null, pointers: null, measures: null };
}

function measuresOf({ measures }: RenderedOutcome, { stages: usual }: Stages): WhyMeasures | null {
  if (measures === undefined) return null;
  const { stages, cpuMs = null, frames, bytes, endedAt } = measures;
  const timed = RENDER_STAGES.flatMap((stage) => {
    const ms = stages[stage];
    return ms === undefined ? [] : [{ stage, ms, usualMs: usual.find((one) => one.stage === stage)?.msP50 ?? null }];
  });
  return { stages: timed, cpuMs, frames, bytes, endedAt: new Date(endedAt).toISOString() };
}

async function peopleOf(manifests: ManifestReader, planned: Planned & { readonly kind: 'variant' }): Promise<number> {
  let people = 0;
  for await (const _ of manifests.recipientsOf(planned.batch, planned.variant)) people += 1;
  return people;
}

/** What Temporal counts of an activity in one run: so many attempts failed or timed out. */
export interface CountedAttempts {
  readonly runId: string;
  readonly activity: string;
  readonly failedAttempts: number;
}

/**
 * Attempts are numbered: where one up to the highest that is told, or that Temporal has counted, is missing, it failed without a word.
 * @param counted empty where Temporal does not answer or has forgotten the runs.
 */
export function silentAttempts(
  lines: readonly Pick<FailureLine, 'runId' | 'activity' | 'attempt'>[],
  counted: readonly CountedAttempts[] = [],
): Why['silent'] {
  const told = lines.map(({ runId, activity, attempt }) => ({ runId, activity, highest: attempt, told: attempt }));
  const known = counted
    .filter(({ activity }) => WRITES_LINES.has(activity))
    .map(({ runId, activity, failedAttempts }) => ({ runId, activity, highest: failedAttempts, told: null }));
  const runs = Map.groupBy([...told, ...known], ({ runId, activity }) => `${runId} ${activity}`);
  return [...runs.values()].flatMap((run) => {
    const numbers = Array.from({ length: Math.max(...run.map(({ highest }) => highest)) }, (_, at) => at + 1);
    const [{ activity } = { activity: 'renderVariant' }] = run;
    return numbers
      .filter((attempt) => !run.some((one) => one.told === attempt))
      .map((attempt) => ({ activity, attempt }));
  });
}

const WRITES_LINES: ReadonlySet<string> = new Set(failureLineSchema.shape.activity.options);
