/** Both reports of a batch, written into its folder: when it closes, and again whenever somebody asks. */

import type { DamagedManifest, VariantOutcome } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../contracts/ids.ts';
import type { Interruptions } from '../contracts/steering.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import { savedEstimate } from '../planning/saved-estimate.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { SceneWork } from './cost.ts';
import { earlierNights } from './nights.ts';
import { readOutcomes, settleBatch } from './outcomes.ts';
import type { Prices } from './prices.ts';
import { reportHtml } from './report-html.ts';
import { type BatchReport, parseReport, reportJson } from './report-json.ts';

export interface ReportDeps {
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
  /** Left out: list prices. */
  readonly prices?: Prices;
  /** The workflows that a list filter finds, in the Temporal Web UI. */
  readonly uiLink?: (query: string) => string | null;
}

export interface ClosedBatch {
  readonly plan: PlanDocument;
  readonly outcomes: readonly VariantOutcome[];
  readonly notStarted: number;
  readonly damaged: DamagedManifest | null;
  readonly failedBefore: number | null;
  /** What held it up; left out: nothing. */
  readonly interruptions?: Interruptions | undefined;
  /** What was rendered for several videos before these; left out: nothing, or nobody knows. */
  readonly scenes?: SceneWork | null | undefined;
  readonly wallMs: number;
  /** ISO 8601 UTC. */
  readonly closedAt: string;
  /** Left out: then, too, where it is known how long the night took. */
  readonly nightClosedAt?: string | null;
}

/** The same batch gives the same reports, as long as its earlier nights and the prices stay. */
export async function writeReport(
  { store, prices, uiLink }: ReportDeps,
  closed: ClosedBatch,
  signal: AbortSignal,
): Promise<BatchReport> {
  const { plan } = closed;
  const { batch } = plan;
  const report = reportJson({
    ...closed,
    ...(prices && { prices }),
    ...(uiLink && { uiLink }),
    earlier: await earlierNights(store, batch, signal),
    estimate: await savedEstimate(store, batch, signal),
    videoUrl: (key) => store.url(objectKeys.video(key), plan.publicUrl),
    posterUrl: (key) => store.url(objectKeys.poster(key), plan.publicUrl),
  });
  const json = JSON.stringify(report, null, 2);
  await store.put(objectKeys.reportJson(batch), json, { contentType: 'application/json' }, signal);
  const html = await reportHtml(report);
  await store.put(objectKeys.reportHtml(batch), html, { contentType: 'text/html; charset=utf-8' }, signal);
  return report;
}

/** The report that a batch has; null when it has not closed. */
export async function readReport(
  store: ObjectStore,
  batch: BatchRef,
  signal?: AbortSignal,
): Promise<BatchReport | null> {
  const key = objectKeys.reportJson(batch);
  const text = await store.getText(key, signal);
  return text === null ? null : parseReport(text, key);
}

/**
 * Writes the reports of a closed batch anew, from its plan and its outcomes; watermark and people stay as they are. When it closed and how
 * long it took is taken from the report that is there. Failure `CampaignInvalid` when there is none.
 */
export async function rebuildReport(deps: ReportDeps, batch: BatchRef, signal: AbortSignal): Promise<BatchReport> {
  const { store, manifests } = deps;
  const earlier = await readReport(store, batch, signal);
  if (earlier === null) throw noReport(batch);
  const plan = await manifests.plan(batch);
  const recorded = await readOutcomes(store, batch, signal);
  const settled = await settleBatch(manifests, plan, recorded);
  const failed =
    settled.outcomes.filter(({ outcome }) => outcome === 'failed').length + (settled.damaged?.variants ?? 0);
  const closed = {
    ...{ plan, ...settled },
    failedBefore: failed === earlier.summary.failed ? earlier.failedBefore : failedBefore(earlier),
    interruptions: earlier.interruptions,
    scenes: earlier.cost?.scenes,
    wallMs: earlier.summary.wallSeconds * 1000,
    closedAt: earlier.closedAt,
    nightClosedAt: nightClosedAt(earlier),
  };
  return await writeReport(deps, closed, signal);
}

/** How many variants had failed when a batch that was repaired first closed. Of several repairs the first one's. */
export function failedBefore(earlier: BatchReport | null): number | null {
  if (earlier === null) return null;
  const { failed } = earlier.summary;
  return earlier.failedBefore ?? (failed === 0 ? null : failed);
}

/** When a batch that has a report first closed; null where its workflow was terminated before, and a backfill closed it. */
export function nightClosedAt(earlier: BatchReport | null): string | null {
  if (earlier === null || earlier.summary.wallSeconds === 0) return null;
  return earlier.nightClosedAt ?? earlier.closedAt;
}

export const noReport = (batch: BatchRef): Failure =>
  new Failure(
    'CampaignInvalid',
    `Batch ${batchIdOf(batch)} has no report: there is none of that name, or it has not closed yet.`,
  );
