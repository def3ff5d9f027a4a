/** Faults of what a night stands on: memory, disk, clock, warehouse. Mounts need root. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, globSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stackHome } from '../../src/stack/home.ts';
import type { TestHome } from '../support/nightreel.ts';
import { until } from '../support/nightreel.ts';
import { TestPostgres } from '../support/postgres.ts';
import { DATE, type NightUnderWay, type Person, type Prepared } from './night.ts';

const run = promisify(execFile);
const AWAY_MS = 20_000;

/** Writes a file until there is no room for another byte. Returns what removes it. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'filler');
  const block = Buffer.alloc(64 * 1024, 7);
  const file = createWriteStream(path);
  const full = once(file, 'error').then(([error]) => error as NodeJS.ErrnoException);
  const write = (): void => {
    while (!file.destroyed && file.write(block));
    if (!file.destroyed) file.once('drain', write);
  };
  write();
  const { code } = await full;
  if (code !== 'ENOSPC') throw new Error(`${path} cannot be filled: ${code}`);
  return () => rm(path, { force: true });
}

/** The worker's own /dev/shm: nobody else's is filled. */
export const WITH_SMALL_SHARED_MEMORY = [
  ...['unshare', '--mount', 'sh', '-c'],
  'mount -t tmpfs -o size=256m tmpfs /dev/shm && exec "$@"',
  'sh',
];

export async function sharedMemoryFull({ render, killAll }: NightUnderWay): Promise<void> {
  const release = await fill(`/proc/${render.pid}/root/dev/shm`);
  // The one that comes in its place finds no room.
  await killAll(/chromium .*--remote-debugging-p/);
  await sleep(AWAY_MS);
  await release();
}

/** The object store's data on a disk of its own. */
export async function smallDisk(home: TestHome): Promise<Prepared> {
  const folder = stackHome(home.folder).objectStoreData;
  await mkdir(folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=512m', 'tmpfs', folder]);
  return { [Symbol.asyncDispose]: async () => void (await run('umount', ['--lazy', folder])) };
}

export async function diskFull({ home }: NightUnderWay): Promise<void> {
  const release = await fill(stackHome(home.folder).objectStoreData);
  await sleep(AWAY_MS);
  await release();
}

/** Two hours ahead, then an hour behind. */
export async function clockJumps({ home }: NightUnderWay): Promise<void> {
  for (const offset of ['+2h', '-1h', '+0']) {
    await writeFile(clockOf(home), offset);
    await sleep(AWAY_MS / 2);
  }
}

const clockOf = ({ folder }: TestHome): string => join(folder, 'clock');

/** Workers whose clock is what a file says; timers run on. */
export async function ownClock(home: TestHome): Promise<Prepared> {
  const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
  if (library === undefined) throw new Error('install libfaketime (Debian: `apt-get install libfaketime`)');
  await writeFile(clockOf(home), '+0');
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockOf(home),
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return { environment, [Symbol.asyncDispose]: async () => undefined };
}

const warehouses = new WeakMap<TestHome, TestPostgres>();

/** A table of which ten rows come in a second. */
export async function slowWarehouse(home: TestHome, people: readonly Person[]): Promise<Prepared> {
  const postgres = await TestPostgres.start();
  warehouses.set(home, postgres);
  const rows = people.map(({ id, name }, n) => `('${id}', '${name}', timestamptz '${DATE} 12:00Z', ${n})`);
  await postgres.run(
    'CREATE TABLE people (id text, name text, "at" timestamptz, n integer)',
    `INSERT INTO people VALUES ${rows.join(', ')}`,
    'CREATE VIEW slow_people AS SELECT * FROM people WHERE pg_sleep(0.1)::text IS NOT NULL',
  );
  return {
    hasOwnSource: true,
    environment: { NIGHTREEL_POSTGRES_URL: postgres.url },
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

/** In the middle of the rows. */
export async function killWarehouse(home: TestHome): Promise<void> {
  const postgres = warehouses.get(home);
  if (postgres === undefined) throw new Error('there is no warehouse');
  await until(async () => {
    await using client = await postgres.connect();
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE query ILIKE '%slow_people%' AND pid <> pg_backend_pid() AND now() - query_start > interval '2 s'`,
    );
    return rowCount === 0 ? null : true;
  }, 'the query for tonight');
  await postgres.kill();
  await sleep(AWAY_MS);
  await postgres.restart();
}
