/** What became of everyone, as a table for other systems to join on: one Parquet file per batch in the bucket. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type BatchRef, objectKeys } from '../contracts/ids.ts';
import { createOwned, removeOwned, workRoot } from '../machine/owned-folders.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** One person of a batch. */
export interface PersonResult {
  readonly recipientId: string;
  readonly status: 'rendered' | 'cached' | 'failed' | 'rejected' | 'withdrawn';
  /** Of `failed`: its class. Of `rejected`: the reason. */
  readonly reason: string | null;
  /** Of the video; null where there is none. */
  readonly url: string | null;
  readonly variantKey: string | null;
}

const COLUMNS = `recipient_id VARCHAR, campaign VARCHAR, business_date DATE, attempt INTEGER, status VARCHAR, reason VARCHAR,
  url VARCHAR, variant_key VARCHAR`;

/**
 * Writes `results/<campaign>/<date>/<attempt>.parquet`, once more when a backfill closes the batch again. Columns:
 * recipient_id, campaign, business_date, attempt, status, reason, url, variant_key. Returns the object's key.
 */
export async function writeResults(
  store: ObjectStore,
  batch: BatchRef,
  people: AsyncIterable<PersonResult>,
  signal: AbortSignal,
): Promise<string> {
  const folder = await createOwned(workRoot());
  try {
    const file = join(folder, 'results.parquet');
    await writeParquet(join(folder, 'w.duckdb'), file, batch, people);
    const key = objectKeys.results(batch);
    await store.put(key, await readFile(file), { contentType: 'application/vnd.apache.parquet' }, signal);
    return key;
  } finally {
    await removeOwned(folder);
  }
}

/** Such a table without one person; null when it does not name them. Throws when it is none. */
export async function resultsWithout(table: Uint8Array, recipientId: string): Promise<Uint8Array | null> {
  const folder = await createOwned(workRoot());
  try {
    const [from, to] = ['from.parquet', 'to.parquet'].map((name) => join(folder, name).replaceAll("'", "''"));
    await writeFile(join(folder, 'from.parquet'), table);
    const instance = await DuckDBInstance.create(join(folder, 'w.duckdb'), { memory_limit: '64MB' });
    const connection = await instance.connect();
    try {
      const found = await connection.runAndReadAll(
        `SELECT count(*) FROM read_parquet('${from}') WHERE recipient_id = $recipientId`,
        { recipientId },
      );
      if (Number(found.getRows()[0]?.[0]) === 0) return null;
      await connection.run(
        `CREATE TABLE results AS SELECT * FROM read_parquet('${from}') WHERE recipient_id IS DISTINCT FROM $recipientId`,
        { recipientId },
      );
      await connection.run(`COPY results TO '${to}' (FORMAT parquet)`);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
    return await readFile(join(folder, 'to.parquet'));
  } finally {
    await removeOwned(folder);
  }
}

async function writeParquet(
  database: string,
  file: string,
  { campaign, businessDate, attempt }: BatchRef,
  people: AsyncIterable<PersonResult>,
): Promise<void> {
  // In a file, so that a million people need no memory.
  const instance = await DuckDBInstance.create(database, { memory_limit: '64MB' });
  const connection = await instance.connect();
  try {
    await connection.run(
      `CREATE TABLE people (recipient_id VARCHAR, status VARCHAR, reason VARCHAR, url VARCHAR, variant_key VARCHAR)`,
    );
    const appender = await connection.createAppender('people');
    try {
      for await (const { recipientId, status, reason, url, variantKey } of people) {
        appender.appendVarchar(recipientId);
        for (const text of [status, reason, url, variantKey]) {
          if (text === null) appender.appendNull();
          else appender.appendVarchar(text);
        }
        appender.endRow();
      }
    } finally {
      appender.closeSync();
    }
    await connection.run(`CREATE TABLE results (${COLUMNS})`);
    await connection.run(
      `INSERT INTO results SELECT recipient_id, $campaign, CAST($date AS DATE), $attempt, status, reason, url, variant_key FROM people`,
      { campaign, date: businessDate, attempt },
    );
    await connection.run(`COPY results TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
