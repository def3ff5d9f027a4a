/** What `run`, `backfill` and `demo` share: following a batch to its end and saying how it went. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { awaitSummary, type BatchHandle, readProgress } from '../client/batches.ts';
import type { BatchSummary } from '../contracts/batch.ts';
import { type BatchReport, isPartial, reportSchema } from '../reporting/report-json.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createProgress } from './progress.ts';
import { visible } from './visible.ts';

const POLL_MS = 1_000;

/** Shows progress on stderr until the batch ends; returns its summary, or throws the failure that ended it. */
export async function followBatch(client: Client, handle: BatchHandle, signal: AbortSignal): Promise<BatchSummary> {
  const display = createProgress({ stream: process.stderr });
  const ended = new AbortController();
  const polling = (async () => {
    while (!ended.signal.aborted) {
      const progress = await readProgress(client, handle);
      if (progress !== null && !ended.signal.aborted) display.update(progress);
      await sleep(POLL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  try {
    // The wait is a call that the server holds open: it ends with the signal, or closing the connection would wait for it.
    const ending = client.withAbortSignal(signal, () => awaitSummary(handle));
    const summary = await Promise.race([ending, rejectOnAbort(signal)]);
    // The last poll may have been a second before the end.
    display.update({ phase: 'closing', ...summary });
    return summary;
  } finally {
    ended.abort();
    await polling;
    display.finish();
  }
}

const rejectOnAbort = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

/** Prints how a batch went: one JSON line, or the numbers, why variants failed, and where to look. */
export async function printSummary(
  store: ObjectStore,
  summary: BatchSummary,
  { json, workflow }: { readonly json: boolean; readonly workflow: string | null },
): Promise<void> {
  const link = store.reportUrl(summary.report);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...summary, report: link })}\n`);
    return;
  }
  const key = summary.report.replace(/\.html$/, '.json');
  const report = reportSchema.parse(JSON.parse((await store.getText(key)) ?? 'null'));
  const rejects = summary.report.replace(/report\.html$/, 'rejects.jsonl');
  process.stdout.write(
    visible(
      summaryText(report, {
        report: link,
        'a video': report.samples[0]?.video ?? null,
        rejects: summary.rejected === 0 ? null : store.describe(rejects),
        workflow,
      }),
    ),
  );
}

const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`);

/** The summary for people: the numbers, then where to look. */
export function summaryText(report: BatchReport, links: Readonly<Record<string, string | null>>): string {
  const { summary, failures } = report;
  const { variants, cached, rendered, failed } = summary;
  const headline =
    variants === 0
      ? summary.rejected === 0
        ? 'Nothing to render: nobody changed.'
        : 'Nothing to render: every row was rejected.'
      : rendered === 0 && failed === 0
        ? `Nothing to render: all ${variants} variants were already stored.`
        : `${rendered} variants rendered, ${cached} already stored, ${failed} failed, in ${Math.round(summary.wallSeconds)} s.`;
  const lines = [
    '',
    `Batch ${summary.batchId}: ${headline}`,
    `  recipients ${summary.recipients}, rejected ${summary.rejected}, variants ${variants}, pointers ${summary.pointers}`,
    `  render time p50 ${seconds(summary.renderMsP50)}, p95 ${seconds(summary.renderMsP95)}, failure rate ${(summary.failureRate * 100).toFixed(2)} %`,
    ...(!isPartial(report)
      ? []
      : [
          `  partial: ${report.notStarted} variants were never started, as ${report.damaged ? 'its manifest is damaged; nightreel run plans them anew' : 'it was stopped; nightreel backfill makes them'}`,
        ]),
    ...failures.map(({ count, failureClass, sentence }) => `  ${count} × ${failureClass}: ${sentence}`),
    '',
    ...Object.entries(links).flatMap(([label, link]) => (link === null ? [] : [`  ${label.padEnd(9)} ${link}`])),
  ];
  return `${lines.join('\n')}\n`;
}
