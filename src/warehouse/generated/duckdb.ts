/** Puts the generated referral business into a DuckDB file, and moves it on by a day at a time. */

import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { BusinessDate } from '../../contracts/ids.ts';
import { duckDbFailure } from '../duckdb/reader.ts';
import { inChangeOrder, inventNight, inventPopulation, type Referrer, shareSome, type TimeSpan } from './business.ts';

export interface GenerateOptions {
  /** The DuckDB file; made, with its folder, when it is not there. */
  readonly path: string;
  readonly businessDate: BusinessDate;
  /** ISO 8601 UTC: nothing is stamped later. */
  readonly asOf: string;
  /** People on the first day; default: 10,000. */
  readonly population?: number;
}

export interface GeneratedWarehouse {
  /** Whether the file was made by this call. */
  readonly created: boolean;
  /** Distinct recipient IDs in the warehouse. */
  readonly recipients: number;
  /** People changed by the night of `businessDate`, by this call or an earlier one. */
  readonly changed: number;
}

/** Four days. */
const QUIET_MICROS = 4 * 86_400e6;

const TABLES = `
  CREATE TABLE referrers (
    referrer_id VARCHAR,
    first_name VARCHAR,
    referral_count BIGINT,
    earnings_usd DECIMAL(12, 2),
    next_milestone INTEGER,
    milestone_reward_usd DECIMAL(12, 2),
    updated_at TIMESTAMP WITH TIME ZONE
  );
  CREATE TABLE referral_nights (business_date DATE, as_of TIMESTAMP WITH TIME ZONE, changed INTEGER);
`;

/**
 * Makes sure that the warehouse holds the business as of the night of `businessDate`. The same date again changes
 * nothing, whatever `asOf` is; a later one moves the business on; an earlier one than the last changes nothing and counts
 * what it changed then. A file that was not made here is refused: `Failure('WarehouseDenied')`.
 */
export async function ensureGeneratedWarehouse(options: GenerateOptions): Promise<GeneratedWarehouse> {
  const path = resolve(options.path);
  const span = nightSpan(options);
  try {
    if (!(await exists(path))) {
      await createWarehouse(path, options, span);
      const { recipients, changed } = await describe(path, options.businessDate);
      return { created: true, recipients, changed };
    }
    const { last, recipients: there } = await describe(path, options.businessDate);
    if (options.population !== undefined && there !== options.population) {
      throw new Failure(
        'WarehouseDenied',
        `${path} holds ${there} people already, not ${options.population}; delete it or name another file`,
      );
    }
    if (last === null || last < options.businessDate) {
      await inDatabase(path, {}, (connection) => addNight(connection, options, span));
    }
    const { recipients, changed } = await describe(path, options.businessDate);
    return { created: false, recipients, changed };
  } catch (error) {
    throw duckDbFailure(error, path);
  }
}

/** From 23:00 in New York the evening before until 23:00 on the day, or `asOf` when that is earlier. */
function nightSpan({ businessDate, asOf }: GenerateOptions): TimeSpan {
  const evening = (date: Temporal.PlainDate) =>
    date.toZonedDateTime({ timeZone: 'America/New_York', plainTime: '23:00' }).epochMilliseconds;
  const day = Temporal.PlainDate.from(businessDate);
  const [from, to] = [evening(day.subtract({ days: 1 })), evening(day)];
  const until = Math.min(to, Temporal.Instant.from(asOf).epochMilliseconds);
  if (until <= from) {
    throw new Failure(
      'WarehouseDenied',
      `no changes can be generated for ${businessDate}: that day begins after ${asOf}`,
    );
  }
  return { afterMicros: from * 1000, untilMicros: until * 1000 };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Made beside its place and moved there when whole, so that no half warehouse is ever found. */
async function createWarehouse(path: string, options: GenerateOptions, span: TimeSpan): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  try {
    await inDatabase(draft, {}, async (connection) => {
      await connection.run(TABLES);
      // Well before the night, weekends included, so that a campaign's first changes are this night's.
      await append(
        connection,
        'referrers',
        inventPopulation(span.afterMicros - QUIET_MICROS, options.population).map(cells),
      );
      await addNight(connection, options, span);
      // The oldest rows are the first slice of a campaign's first night: these, too, share some videos.
      const old = (await readAll(connection)).filter((row) => row.updatedAtMicros <= span.afterMicros);
      await replaceRows(connection, shareSome(inChangeOrder(old)));
    });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
    await rm(`${draft}.wal`, { force: true });
  }
}

/** Opens the file for the time of some work. */
export async function inDatabase<T>(
  path: string,
  config: Record<string, string>,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  // From the cache: it refuses a second, differently opened instance in this process, where file locks do not hold.
  const instance = await DuckDBInstance.fromCache(path, config);
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

const countsRow = z.tuple([z.string().nullable(), z.bigint(), z.number().nullable()]);

async function describe(path: string, businessDate: BusinessDate) {
  return await inDatabase(path, { access_mode: 'READ_ONLY' }, async (connection) => {
    const made = await connection.runAndReadAll(
      `SELECT count(*) FROM information_schema.tables WHERE table_name IN ('referrers', 'referral_nights')`,
    );
    if (made.getRows()[0]?.[0] !== 2n) {
      throw new Failure('WarehouseDenied', `${path} exists and is not a generated warehouse; name another file`);
    }
    const counts = await connection.runAndReadAll(
      `SELECT (SELECT CAST(max(business_date) AS VARCHAR) FROM referral_nights),
              (SELECT count(DISTINCT referrer_id) FROM referrers),
              (SELECT max(changed) FROM referral_nights WHERE business_date = CAST($date AS DATE))`,
      { date: businessDate },
    );
    const [last, recipients, changed] = countsRow.parse(counts.getRows()[0]);
    return { last, recipients: Number(recipients), changed: changed ?? 0 };
  });
}

/** A referrer and where its row is. */
interface StoredReferrer extends Referrer {
  readonly row: bigint;
}

async function addNight(connection: DuckDBConnection, { businessDate, asOf }: GenerateOptions, span: TimeSpan) {
  await connection.run('BEGIN');
  const newest = new Map(inChangeOrder(await readAll(connection)).map((row) => [row.id, row]));
  newest.delete(null);
  // Sorted, because the draw goes by position and the rows' order in the file is not ours to rely on.
  const people = [...newest.values()].sort((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1));
  const night = inventNight(businessDate, people, span);
  await replaceRows(
    connection,
    night.changed.map(({ before, after }) => ({ ...after, row: before.row })),
  );
  await append(connection, 'referrers', night.added.map(cells));
  await connection.run(
    'INSERT INTO referral_nights VALUES (CAST($date AS DATE), CAST($asOf AS TIMESTAMP WITH TIME ZONE), $changed)',
    { date: businessDate, asOf, changed: night.changed.length },
  );
  await connection.run('COMMIT');
}

const storedRow = z.tuple([
  z.bigint(),
  z.string().nullable(),
  z.string().nullable(),
  z.bigint(),
  z.number(),
  z.number(),
  z.number(),
  z.bigint(),
]);

async function readAll(connection: DuckDBConnection): Promise<StoredReferrer[]> {
  const result = await connection.runAndReadAll(
    `SELECT rowid, referrer_id, first_name, referral_count, CAST(earnings_usd AS DOUBLE), next_milestone,
            CAST(milestone_reward_usd AS DOUBLE), epoch_us(updated_at)
     FROM referrers`,
  );
  return result.getRows().map((values) => {
    const [row, id, name, count, earnings, nextMilestone, milestoneReward, micros] = storedRow.parse(values);
    const numbers = { name, referralCount: Number(count), earnings, nextMilestone, milestoneReward };
    return { row, id, ...numbers, updatedAtMicros: Number(micros) };
  });
}

async function replaceRows(connection: DuckDBConnection, rows: readonly StoredReferrer[]): Promise<void> {
  await connection.run('CREATE OR REPLACE TEMP TABLE replaced AS SELECT 0::BIGINT AS row, * FROM referrers LIMIT 0');
  await append(
    connection,
    'replaced',
    rows.map((row) => [row.row, ...cells(row)]),
  );
  await connection.run(`
    UPDATE referrers SET first_name = r.first_name, referral_count = r.referral_count, earnings_usd = r.earnings_usd,
      next_milestone = r.next_milestone, milestone_reward_usd = r.milestone_reward_usd, updated_at = r.updated_at
    FROM replaced AS r WHERE referrers.rowid = r.row`);
  await connection.run('DROP TABLE replaced');
}

const dollars = (amount: number) => new DuckDBDecimalValue(BigInt(amount) * 100n, 12, 2);

/** In the order of the table's columns. */
const cells = (row: Referrer): DuckDBValue[] => [
  row.id,
  row.name,
  BigInt(row.referralCount),
  dollars(row.earnings),
  row.nextMilestone,
  dollars(row.milestoneReward),
  new DuckDBTimestampTZValue(BigInt(row.updatedAtMicros)),
];

async function append(connection: DuckDBConnection, table: string, rows: readonly DuckDBValue[][]): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for (const row of rows) {
      row.forEach((value, column) => {
        appender.appendValue(value, appender.columnType(column));
      });
      appender.endRow();
    }
  } finally {
    // Closing flushes what is left; a bad row throws here.
    appender.closeSync();
  }
}
