/** The same behaviour asked of every engine that holds tables, each answering for real. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TestSnowflake } from '../support/snowflake.ts';
import { behavesAsWarehouse, type Engine } from './engine-suite.ts';
import { runSql, temporaryFolder } from './support.ts';

let postgres: TestPostgres;
let snowflake: TestSnowflake;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const engines = {} as Record<'duckdb' | 'postgres' | 'snowflake', Engine>;
const NAMES = ['duckdb', 'postgres', 'snowflake'] as const;

beforeAll(async () => {
  [postgres, snowflake, folder] = await Promise.all([TestPostgres.start(), TestSnowflake.start(), temporaryFolder()]);
  const path = join(folder.path, 'w.duckdb');
  const opened =
    (type: string, more: object, environment: Record<string, string>) => (source: object, queryText?: string) =>
      openWarehouse(sourceSchema.parse({ type, ...more, ...source }), { environment, ...(queryText && { queryText }) });
  engines.duckdb = {
    run: (...statements) => runSql(path, ...statements),
    open: opened('duckdb', { path }, {}),
    types: { zoned: 'TIMESTAMPTZ', plain: 'TIMESTAMP', text: 'VARCHAR' },
  };
  engines.postgres = {
    run: (...statements) => postgres.run(...statements),
    open: opened('postgres', {}, { NIGHTREEL_POSTGRES_URL: postgres.url }),
    types: { zoned: 'timestamptz', plain: 'timestamp', text: 'text' },
  };
  engines.snowflake = {
    run: (...statements) => snowflake.run(...statements),
    open: opened('snowflake', {}, snowflake.environment()),
    types: { zoned: 'TIMESTAMP_TZ', plain: 'TIMESTAMP_NTZ', text: 'VARCHAR' },
  };
}, 120_000);
afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]();
  await snowflake?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

describe.each(NAMES)('%s', (name) => {
  behavesAsWarehouse(name, () => engines[name]);
});
