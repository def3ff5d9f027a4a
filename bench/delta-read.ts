/** The reading process of `bench delta`: takes a task, prints its figures. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

export interface DeltaFigures {
  readonly rows: number;
  readonly recipients: number;
  readonly variants: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Of this process, at its highest, in MB of 10^6 bytes. */
  readonly peakRssMb: number;
}

const [file = ''] = process.argv.slice(2);
const task = JSON.parse(await readFile(file, 'utf8')) as DeltaTask;
const template = await new TemplateLibrary(join(import.meta.dirname, '../templates')).read('referral');
const { environment } = task;
const { paramsSchema } = template;
await using reader = openWarehouse(sourceSchema.parse(task.source), { environment, paramsSchema });
const range = { since: null, until: '9999-12-31T23:59:59Z' };
const started = performance.now();
const { counts } = await planDelta({
  rows: reader.readChanges(range, AbortSignal.timeout(3_600_000)),
  range,
  ordered: reader.capabilities.watermark,
  end: null,
  validateParams: (params) => template.validateParams(params),
  keyOf: (params) =>
    variantKeyOf({ engineDigest: 'bench', templateDigest: template.digest, params, rendition: 'phone-720p' }),
});
const seconds = (performance.now() - started) / 1000;
const figures: DeltaFigures = {
  rows: counts.rows,
  recipients: counts.recipients,
  variants: counts.variants,
  seconds: Math.round(seconds * 100) / 100,
  rowsPerSecond: Math.round(counts.rows / seconds),
  peakRssMb: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
