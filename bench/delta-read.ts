/** The process of `bench delta` that reads: takes a task, prints its figures. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Params } from '../src/contracts/video.ts';
import { normaliseParams } from '../src/planning/canonical-params.ts';
import { planDelta } from '../src/planning/delta-plan.ts';
import { variantKeyOf } from '../src/planning/variant-key.ts';
import { TemplateLibrary } from '../src/templates/library.ts';
import { openWarehouse } from '../src/warehouse/index.ts';
import { sourceSchema } from '../src/warehouse/source.ts';

export interface DeltaTask {
  /** The `source:` part of a campaign. */
  readonly source: object;
  readonly environment: Readonly<Record<string, string>>;
}

/** `read`: every row is read, mapped, checked and keyed, then let go. `plan`: and kept, as a night's plan does. */
export type DeltaWork = 'read' | 'plan';

export interface DeltaFigures {
  readonly rows: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Of this process, at its highest, in MB of 10^6 bytes. */
  readonly peakRssMb: number;
}

const [file = '', work = 'read'] = process.argv.slice(2);
const task = JSON.parse(await readFile(file, 'utf8')) as DeltaTask;
const template = await new TemplateLibrary(join(import.meta.dirname, '../templates')).read('referral');
const { environment } = task;
const { paramsSchema } = template;
await using reader = openWarehouse(sourceSchema.parse(task.source), { environment, paramsSchema });
const range = { since: null, until: '9999-12-31T23:59:59Z' };
const keyOf = (params: Params) =>
  variantKeyOf({ engineDigest: 'bench', templateDigest: template.digest, params, rendition: 'phone-720p' });
const changes = reader.readChanges(range, AbortSignal.timeout(3_600_000));

async function readOnly(): Promise<number> {
  let rows = 0;
  for await (const row of changes) {
    rows += 1;
    const normalised = normaliseParams(row.params);
    const checked = normalised.ok ? template.validateParams(normalised.params) : normalised;
    if (checked.ok) keyOf(checked.params);
  }
  return rows;
}

async function plan(): Promise<number> {
  const { counts } = await planDelta({
    rows: changes,
    range,
    ordered: reader.capabilities.watermark,
    end: null,
    validateParams: (params) => template.validateParams(params),
    keyOf,
  });
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
