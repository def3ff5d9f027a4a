/** The process of `bench delta` that reads: takes a task, prints its figures. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineFingerprint } from '../src/contracts/batch.ts';
import type { BusinessDate, CampaignId } from '../src/contracts/ids.ts';
import type { Params } from '../src/contracts/video.ts';
import { normaliseParams } from '../src/planning/canonical-params.ts';
import { planBatch } from '../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../src/planning/read-night.ts';
import { variantKeyOf } from '../src/planning/variant-key.ts';
import { ObjectStore, type ObjectStoreOptions } from '../src/storage/object-store.ts';
import { TemplateLibrary } from '../src/templates/library.ts';
import { openWarehouse } from '../src/warehouse/index.ts';
import { sourceSchema } from '../src/warehouse/source.ts';

export interface DeltaTask {
  /** The `source:` part of a campaign. */
  readonly source: object;
  readonly environment: Readonly<Record<string, string>>;
  /** An empty store, for plans. */
  readonly store: ObjectStoreOptions;
}

/** `read`: every row is read, mapped, checked and keyed, then let go. `plan`: a night's whole plan, up to its last page in the store. */
export type DeltaWork = 'read' | 'plan';

export interface DeltaFigures {
  readonly rows: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Of this process, at its highest, in MB of 10^6 bytes. */
  readonly peakRssMb: number;
}

const [CAMPAIGN, DATE] = ['bench' as CampaignId, '2026-11-20' as BusinessDate];
const NO_ENGINE: EngineFingerprint = {
  ...{ digest: 'e'.repeat(64), engineRevision: 1, settings: '-', captureRoute: '-', pixels: '-' },
  ...{ chromium: '-', ffmpeg: '-', x264: '-', muxer: '-', fonts: '-' },
};

const [file = '', work = 'read'] = process.argv.slice(2);
const task = JSON.parse(await readFile(file, 'utf8')) as DeltaTask;
const templates = new TemplateLibrary(join(import.meta.dirname, '../templates'));
const template = await templates.read('referral');
const { environment } = task;
const { paramsSchema } = template;
const source = sourceSchema.parse(task.source);
await using reader = openWarehouse(source, { environment, paramsSchema });
const range = { since: null, until: '2026-11-21T05:00:00Z' };
const signal = AbortSignal.timeout(3_600_000);
const keyOf = (params: Params) =>
  variantKeyOf({ engineDigest: 'bench', templateDigest: template.digest, params, rendition: 'phone-720p' });

async function readOnly(): Promise<number> {
  let rows = 0;
  for await (const row of reader.readChanges(range, signal)) {
    rows += 1;
    const normalised = normaliseParams(row.params);
    const checked = normalised.ok ? template.validateParams(normalised.params) : normalised;
    if (checked.ok) keyOf(checked.params);
  }
  return rows;
}

/** A whole plan: the delta kept, every video looked up in the store, all pages written. */
async function plan(): Promise<number> {
  using store = new ObjectStore(task.store);
  const campaign: PlannedCampaign = {
    ...{ id: CAMPAIGN, template: 'referral', rendition: 'phone-720p', pointerKey: 'users/{recipientId}.json' },
    ...{ lanes: { count: 16, window: 50 }, rejectLimit: 0.1, results: 'none', asksConsent: false, scenes: 'auto' },
    ...{ firstNight: 'everyone', delta: source.delta, whenWithdrawn: 'remove' },
    calendar: () => ({ businessDate: DATE, today: DATE, night: range.until, previousNight: range.until }),
    openSource: () => reader,
  };
  const { counts } = await planBatch(
    { store, templates, loadCampaign: async () => campaign },
    { campaign: campaign.id, businessDate: DATE, asOf: range.until, engine: NO_ENGINE, runId: 'bench' },
    signal,
  );
  return counts.rows;
}

const started = performance.now();
const rows = work === 'plan' ? await plan() : await readOnly();
const seconds = (performance.now() - started) / 1000;
// Not getrusage: what it calls the peak is inherited from the process that started this one.
const figures: DeltaFigures = {
  rows,
  seconds: Math.round(seconds * 100) / 100,
  rowsPerSecond: Math.round(rows / seconds),
  peakRssMb: Math.round((Number(/VmHWM:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1]) * 1024) / 1e6),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
