import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { AnnounceEventInput, LookForNightInput, WatchedNight } from '../contracts/alarms.ts';
import type {
  CloseBatchInput,
  ClosedSummary,
  FailedSlot,
  ListFailedInput,
  RecordOutcomesInput,
  SceneSlot,
  VariantSlot,
} from '../contracts/batch.ts';
import type { BatchRef } from '../contracts/ids.ts';
import { isPublishedByPage, type ManifestReader } from '../planning/manifest-reader.ts';
import { type CloseDeps, closeBatch } from '../reporting/close-batch.ts';
import type { LookedFor } from '../reporting/digest/alarm.ts';
import { type AlarmDeps, announceEvent, announceNight, hasToldLate } from '../reporting/digest/post-alarm.ts';
import {
  type AnnounceDeps,
  announceBatch,
  LIMIT_MS,
  PATIENCE_MS,
  type Posted,
} from '../reporting/digest/post-digest.ts';
import { failedSlots, recordOutcomes } from '../reporting/outcomes.ts';
import { countOutcomes, recordClosed } from '../telemetry/metrics.ts';
import { runActivity } from './run-activity.ts';

export interface BatchDeps extends CloseDeps {
  readonly manifests: ManifestReader;
  readonly digests: AnnounceDeps;
  readonly alarms: AlarmDeps;
  /** What became of the last night. */
  readonly lookForNight: (input: LookForNightInput, signal: AbortSignal) => Promise<LookedFor>;
}

export type BatchActivities = ReturnType<typeof createBatchActivities>;

/** The batch's own books, on the `storage` task queue: manifest pages in, outcomes and report out. */
export const createBatchActivities = (deps: BatchDeps) => ({
  /** A page of the manifest as workflows may see it: keys, nobody's data. */
  async readManifestPage({ batch, page }: { batch: BatchRef; page: number }): Promise<VariantSlot[]> {
    return await runActivity(async () => {
      const { variants } = await deps.manifests.page(batch, page);
      return variants.map((variant) => {
        const { index, key, cached, joinable } = variant;
        // What is stored takes no browser: whoever joins videos finds it as well.
        return { index, key, cached: isPublishedByPage(variant), joinable: joinable || cached !== null };
      });
    });
  },

  /** A page of scenes as workflows may see it. */
  async readScenePage({ batch, page }: { batch: BatchRef; page: number }): Promise<SceneSlot[]> {
    return await runActivity(async () => {
      const { scenes } = await deps.manifests.scenePage(batch, page);
      return scenes.map(({ index, key, scene }) => ({ index, key, id: scene ?? 'soundtrack' }));
    });
  },

  async recordOutcomes(input: RecordOutcomesInput): Promise<void> {
    await runActivity(async (signal) => {
      if ((await recordOutcomes(deps.store, input, signal)) === 'stored') countOutcomes(input.outcomes);
    });
  },

  /** Variants of the manifest without a good outcome, in its order. */
  async listFailed(input: ListFailedInput): Promise<FailedSlot[]> {
    return await runActivity(async (signal) => {
      return await failedSlots(deps, input, signal);
    });
  },

  /** Report, watermark, carry-over, digest: the last step of a batch. Running it again gives the same result, and one digest. */
  async closeBatch(input: CloseBatchInput): Promise<ClosedSummary> {
    return await runActivity(async (signal) => {
      const endsMs = performance.now() + activityInfo().startToCloseTimeoutMs;
      const summary = await closeBatch(deps, input, signal);
      const { batch, wallMs } = input;
      const { limits, csvKey, recipientLimit } = await deps.manifests.plan(batch);
      // Neither a backfill nor a batch for a list is the night that must not be missing.
      if (wallMs !== null && csvKey === null && recipientLimit === null) {
        const deadlineMs = limits.deadline === null ? null : Date.parse(limits.deadline.at);
        recordClosed({ campaign: batch.campaign, closedAtMs: Date.parse(deps.now()), wallMs, deadlineMs });
      }
      const patienceMs = Math.min(PATIENCE_MS, endsMs - performance.now() - LIMIT_MS);
      await announceBatch(deps.digests, batch, signal, patienceMs);
      return summary;
    });
  },

  /** Tells what happens to a running batch, once. Fails, to be tried again, while a webhook does not take it. */
  async announceEvent({ batch, event }: AnnounceEventInput): Promise<void> {
    await runActivity(async (signal) => {
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      assertArrived(await announceEvent(deps.alarms, batch, event, { workflowId, runId }, signal));
    });
  },

  /** Tells, once, that the campaign's last night has not closed. What its batch has told by itself is not told again. */
  async lookForNight(input: LookForNightInput): Promise<WatchedNight> {
    return await runActivity(async (signal) => {
      const { businessDate, state, open, batch } = await deps.lookForNight(input, signal);
      const isTold = batch !== null && (await hasToldLate(deps.store, batch, signal));
      if (open !== null && !isTold) assertArrived(await announceNight(deps.alarms, open, signal));
      return { businessDate, state };
    });
  },
});

/** The first pause of what tells people, `activity-proxies.ts`. */
const PAUSE_MS = 10_000;

/** A webhook that answers no is asked no more. */
function assertArrived(posted: readonly Posted[]): void {
  const failed = posted.filter(({ again }) => again);
  if (failed.length === 0) return;
  const reasons = failed.map(({ channel, why }) => `${channel}: ${why}`).join('; ');
  const afterMs = Math.max(...failed.map(({ afterMs: asked }) => asked ?? 0));
  throw ApplicationFailure.create({
    type: 'WebhookUnavailable',
    message: `A webhook did not take it (${reasons}).`,
    // Shorter than that, the policy's own pauses stand.
    ...(afterMs > PAUSE_MS && { nextRetryDelay: afterMs }),
  });
}
