import { workflowsUrl } from '../client/web-ui.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, objectKeys, parseBatchId } from '../contracts/ids.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import { latestReport } from '../reporting/nights.ts';
import { reportText } from '../reporting/report-text.ts';
import { noReport, readReport, rebuildReport } from '../reporting/write-report.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';
import { visible } from './visible.ts';

export interface ReportRequest {
  /** Null: the last night's. */
  readonly batch: BatchRef | null;
  readonly rebuild: boolean;
  readonly json: boolean;
}

/** Prints a batch's report. Failure `CampaignInvalid` when there is none. */
export async function runReport(settings: Settings, { batch, rebuild, json }: ReportRequest): Promise<void> {
  const signal = onInterrupt('Stopped; the reports in the bucket are the old ones or the new ones.');
  const { temporal, prices } = settings;
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const wanted = batch ?? (await lastClosed(store, signal));
  const deps = {
    store,
    manifests: new ManifestReader(store),
    prices,
    uiLink: (query: string) => workflowsUrl(temporal, query),
  };
  const report = rebuild ? await rebuildReport(deps, wanted, signal) : await readReport(store, wanted, signal);
  if (report === null) throw noReport(wanted);
  process.stdout.write(
    json ? `${JSON.stringify(report)}\n` : visible(reportText(report, store.reportUrl(objectKeys.reportHtml(wanted)))),
  );
}

async function lastClosed(store: ObjectStore, signal: AbortSignal): Promise<BatchRef> {
  const report = await latestReport(store, signal);
  const batch = report && parseBatchId(report.summary.batchId);
  if (batch) return batch;
  throw new Failure(
    'CampaignInvalid',
    'No batch has closed yet, so there is no report. Run one: nightreel run CAMPAIGN.',
  );
}
