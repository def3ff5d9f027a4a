/** What reading a delta costs, and what planning it does, each in a process that does nothing else. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isBusinessDate } from '../src/contracts/ids.ts';
import { copyToCsv, copyToPostgres, copyToSnowflake } from '../src/warehouse/generated/copy-to.ts';
import { ensureGeneratedWarehouse } from '../src/warehouse/generated/duckdb.ts';
import type { SourceType } from '../src/warehouse/source.ts';
import { TestPostgres } from '../test/support/postgres.ts';
import { TestS3 } from '../test/support/s3.ts';
import { TestSnowflake } from '../test/support/snowflake.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import type { DeltaFigures, DeltaTask, DeltaWork } from './delta-read.ts';
import { noteMachine } from './machine.ts';

export interface DeltaOptions extends BenchContext {
  readonly rows: number;
  readonly source: SourceType;
}

const DATE = ['2026-11-20'].filter(isBusinessDate)[0];
const COLUMNS = { recipientId: 'referrer_id', updatedAt: 'updated_at' };
const PARAMS = {
  name: 'first_name',
  referralCount: 'referral_count',
  earnings: 'earnings_usd',
  nextMilestone: 'next_milestone',
  milestoneReward: 'milestone_reward_usd',
};

/** Rows of the generated business; the servers are this machine's own, started for it. */
export async function run({ rows, source, signal, progress }: DeltaOptions): Promise<BenchResult> {
  if (DATE === undefined) throw new TypeError('a business date is a calendar day');
  await noteMachine(progress, signal);
  progress.expect(4);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-delta-'));
  await using servers = new AsyncDisposableStack();
  try {
    progress.step(`generating ${rows} people`);
    const path = join(folder, 'w.duckdb');
    await ensureGeneratedWarehouse({ path, businessDate: DATE, asOf: `${DATE}T23:00:00-05:00`, population: rows });
    progress.step(`copying them to ${source}`);
    const onRows = () => signal.throwIfAborted();
    const shape = { columns: COLUMNS, params: PARAMS };
    const table = async (): Promise<Omit<DeltaTask, 'store'>> => {
      switch (source) {
        case 'duckdb':
          return { source: { type: source, path, table: 'referrers', ...shape }, environment: {} };
        case 'csv': {
          const file = join(folder, 'people.csv');
          await copyToCsv(path, file);
          return { source: { type: source, path: file, ...shape }, environment: {} };
        }
        case 'postgres': {
          const server = servers.use(await TestPostgres.start());
          await copyToPostgres(path, server.url, onRows);
          return {
            source: { type: source, table: 'referrers', ...shape },
            environment: { NIGHTREEL_POSTGRES_URL: server.url },
          };
        }
        case 'snowflake': {
          const server = servers.use(await TestSnowflake.start());
          const environment = server.environment('key');
          await copyToSnowflake(path, environment, onRows, signal);
          return { source: { type: source, table: 'referrers', ...shape }, environment };
        }
      }
    };
    const file = join(folder, 'task.json');
    const s3 = servers.use(await TestS3.start());
    const store = { clientConfig: s3.clientConfig(), bucket: s3.bucket };
    const task: DeltaTask = { ...(await table()), store };
    await writeFile(file, JSON.stringify(task));
    progress.step('reading');
    const read = await elsewhere(file, 'read', signal);
    progress.step('planning');
    const plan = await elsewhere(file, 'plan', signal);
    return {
      rows: [
        { source, work: 'read and check', ...read },
        { source, work: 'plan', ...plan },
      ],
      json: { source, ...read, plan },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, started as a worker is: its memory is that work's. */
async function elsewhere(task: string, work: DeltaWork, signal: AbortSignal): Promise<DeltaFigures> {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'delta-read.ts'), task, work], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`the reading process ended with ${code}`);
  return JSON.parse(output) as DeltaFigures;
}
