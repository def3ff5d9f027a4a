/** The generated business in other warehouses: the same rows, read from its DuckDB file. */

import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';
import { z } from 'zod';
import { duckDbFailure } from '../duckdb/reader.ts';
import { postgresFailure } from '../postgres/failure.ts';
import { credentials } from '../snowflake/credentials.ts';
import { SnowflakeSession } from '../snowflake/session.ts';
import { inDatabase } from './duckdb.ts';

/** Rows that travel together. */
const BATCH = 10_000;

const COLUMNS = [
  ['referrer_id', 'text', 'VARCHAR'],
  ['first_name', 'text', 'VARCHAR'],
  ['referral_count', 'bigint', 'NUMBER(19, 0)'],
  ['earnings_usd', 'numeric(12, 2)', 'NUMBER(12, 2)'],
  ['next_milestone', 'integer', 'NUMBER(10, 0)'],
  ['milestone_reward_usd', 'numeric(12, 2)', 'NUMBER(12, 2)'],
  ['updated_at', 'timestamp with time zone', 'TIMESTAMP_TZ'],
] as const;

/** Every cell as text, the time as ISO 8601 in UTC with microseconds; the order of the file. */
const ROWS = `SELECT referrer_id, first_name, CAST(referral_count AS VARCHAR) AS referral_count,
  CAST(earnings_usd AS VARCHAR) AS earnings_usd, CAST(next_milestone AS VARCHAR) AS next_milestone,
  CAST(milestone_reward_usd AS VARCHAR) AS milestone_reward_usd,
  strftime(make_timestamp(epoch_us(updated_at)), '%Y-%m-%dT%H:%M:%S.%fZ') AS updated_at
  FROM referrers`;

const textRow = z.array(z.string().nullable()).length(COLUMNS.length);
type TextRow = z.infer<typeof textRow>;

/** Batches of rows of the file at `path`. */
async function* batches(path: string): AsyncGenerator<TextRow[], void, undefined> {
  const instance = await DuckDBInstance.fromCache(resolve(path), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    let batch: TextRow[] = [];
    for await (const rows of (await connection.stream(ROWS)).yieldRows()) {
      for (const row of rows) batch.push(textRow.parse(row));
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export type OnRows = (total: number) => void;

/** Writes a CSV with a header row. An empty cell is a NULL. Returns the number of rows. */
export async function copyToCsv(path: string, target: string): Promise<number> {
  const file = resolve(target);
  await mkdir(dirname(file), { recursive: true });
  try {
    return await inDatabase(resolve(path), { access_mode: 'READ_ONLY' }, async (connection) => {
      const copied = await connection.runAndReadAll(`COPY (${ROWS}) TO '${file.replaceAll("'", "''")}' (HEADER)`);
      return Number(copied.getRows()[0]?.[0] ?? 0);
    });
  } catch (error) {
    throw duckDbFailure(error, path);
  }
}

/** Replaces the table `referrers` in one transaction. Returns the number of rows. */
export async function copyToPostgres(path: string, url: string | undefined, onRows: OnRows): Promise<number> {
  const client = new pg.Client({
    ...(url === undefined ? {} : { connectionString: url }),
    application_name: 'nightreel',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    const types = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
    await client.query(`CREATE TABLE IF NOT EXISTS referrers (${types})`);
    await client.query('TRUNCATE referrers');
    const arrays = COLUMNS.map(([, type], at) => `CAST($${at + 1} AS text[])::${type}[]`).join(', ');
    let total = 0;
    for await (const rows of batches(path)) {
      const columns = COLUMNS.map((_, at) => rows.map((row) => row[at] ?? null));
      await client.query(`INSERT INTO referrers SELECT * FROM unnest(${arrays})`, columns);
      total += rows.length;
      onRows(total);
    }
    await client.query('CREATE INDEX IF NOT EXISTS referrers_updated_at ON referrers (updated_at, referrer_id)');
    await client.query('COMMIT');
    await client.query('ANALYZE referrers');
    return total;
  } catch (error) {
    throw postgresFailure(error, `postgres://${client.host}:${client.port}/${client.database ?? ''}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Replaces the table `"referrers"` in the database and schema of the variables. Returns the number of rows. */
export async function copyToSnowflake(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  onRows: OnRows,
  signal: AbortSignal,
): Promise<number> {
  await using session = await SnowflakeSession.open(credentials(environment, {}), 'nightreel data generate', signal);
  const run = async (sql: string, ...binds: string[]) => {
    for await (const _ of (await session.query(sql, binds, signal)).rows);
  };
  const types = COLUMNS.map(([name, , type]) => `"${name}" ${type}`).join(', ');
  await run(`CREATE OR REPLACE TABLE "referrers" (${types})`);
  // A JSON null is no SQL NULL: its text is.
  const cells = COLUMNS.map(([, , type], at) => `CAST(CAST(f.value[${at}] AS VARCHAR) AS ${type})`).join(', ');
  let total = 0;
  for await (const rows of batches(path)) {
    await run(
      `INSERT INTO "referrers" SELECT ${cells} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f`,
      JSON.stringify(rows),
    );
    total += rows.length;
    onRows(total);
  }
  return total;
}
