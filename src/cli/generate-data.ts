/** `nightreel data generate`: the business is made in a DuckDB file and copied from there. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import { createProgress } from '../../bench/progress.ts';
import { businessDateOf } from '../config/business-date.ts';
import type { Environment } from '../config/environment.ts';
import { Failure } from '../contracts/failures.ts';
import { type BusinessDate, isBusinessDate } from '../contracts/ids.ts';
import { stackHome } from '../stack/home.ts';
import { copyToCsv, copyToPostgres, copyToSnowflake } from '../warehouse/generated/copy-to.ts';
import { ensureGeneratedWarehouse } from '../warehouse/generated/duckdb.ts';
import type { GenerateFlags } from './data.ts';

const ZONE = 'America/New_York';

/** What to print. */
export async function generateData(
  environment: Environment,
  flags: GenerateFlags,
  signal: AbortSignal,
): Promise<string> {
  const { to, recipients, days, json } = flags;
  const last = flags.date ?? businessDateOf(new Date().toISOString(), ZONE);
  if (flags.file !== undefined && to !== 'duckdb' && to !== 'csv') {
    throw new Failure('CampaignInvalid', `--file names a file, and ${to} is a server`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-data-'));
  try {
    using progress = createProgress(process.stderr);
    progress.expect(days + 1);
    const path = to === 'duckdb' ? (flags.file ?? stackHome(environment.home).warehouse) : join(folder, 'w.duckdb');
    for (const businessDate of daysUntil(last, days)) {
      signal.throwIfAborted();
      progress.step(`the day of ${businessDate}`);
      await ensureGeneratedWarehouse({ path, businessDate, asOf: endOf(businessDate), population: recipients });
    }
    progress.step(`copying to ${to}`);
    const { place, rows } = await copy(path, environment, flags, signal);
    const report = { to, place, recipients, days, lastDay: last, ...(rows !== null && { rows }) };
    return json === true
      ? `${JSON.stringify(report)}\n`
      : `${recipients} people after ${days} ${days === 1 ? 'day' : 'days'} until ${last} are in ${place}.\n`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copy(
  path: string,
  { home, variables }: Environment,
  { to, file }: GenerateFlags,
  signal: AbortSignal,
): Promise<{ readonly place: string; readonly rows: number | null }> {
  const quiet = () => signal.throwIfAborted();
  switch (to) {
    case 'duckdb':
      return { place: path, rows: null };
    case 'csv': {
      const target = file ?? join(home, 'referrers.csv');
      return { place: target, rows: await copyToCsv(path, target) };
    }
    case 'postgres':
      return {
        place: 'the table referrers in PostgreSQL',
        rows: await copyToPostgres(path, variables['NIGHTREEL_POSTGRES_URL'] || undefined, quiet),
      };
    case 'snowflake':
      return {
        place: 'the table "referrers" in Snowflake',
        rows: await copyToSnowflake(path, variables, quiet, signal),
      };
  }
}

function daysUntil(last: BusinessDate, count: number): BusinessDate[] {
  const end = Temporal.PlainDate.from(last);
  return Array.from({ length: count }, (_, at) => end.subtract({ days: count - 1 - at }).toString()).filter(
    isBusinessDate,
  );
}

/** 23:00 in New York, or now when that is earlier. */
function endOf(day: BusinessDate): string {
  const evening = Temporal.PlainDate.from(day).toZonedDateTime({
    timeZone: ZONE,
    plainTime: '23:00',
  }).epochMilliseconds;
  return new Date(Math.min(evening, Date.now())).toISOString();
}
