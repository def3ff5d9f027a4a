/** What Temporal's database has of what workflows, activities, people and schedules say: its files are read when the server is gone. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { runsOf } from '../../src/client/runs.ts';
import { readPayloadKeys } from '../../src/config/payload-keys.ts';
import { type BatchRef, workflowIds } from '../../src/contracts/ids.ts';
import { UPDATES } from '../../src/contracts/steering.ts';
import { dataConverterOf } from '../../src/encryption/data-converter.ts';
import { CANARIES } from '../support/canaries.ts';
import { TestHome, until } from '../support/nightreel.ts';
import { keyOf } from '../support/scripted.ts';
import { TestTemporal } from '../support/temporal.ts';

const run = promisify(execFile);
const MINUTE = 60_000;
const TEMPORAL = resolve(import.meta.dirname, '../../.tools/bin/temporal');
const STRIP = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
const ALL = 'orchestrator,warehouse,storage,render';
const batch = { campaign: 'stays', businessDate: '2026-03-02', attempt: 1 } as BatchRef;
const variant = (index: number): string => workflowIds.variant(batch, keyOf(index));

let home: TestHome;
let keys: string;
beforeAll(async () => {
  home = await TestHome.create();
  keys = join(home.folder, 'keys.json');
  await home.run(['codec', 'new-key', '--file', keys, '--use']);
});
afterAll(() => home.end());

/** A program that ends with its scope. */
class Running implements AsyncDisposable {
  readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    this.child = child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

function startWorker(server: TestTemporal, keysFile: string, queues: string, go = ''): Running {
  const program = resolve(import.meta.dirname, '../support/canary-worker.ts');
  const args = [...STRIP, program, server.address, keysFile, queues, go];
  return new Running(spawn(process.execPath, args, { stdio: 'inherit' }));
}

const clientOf = async (server: TestTemporal, keysFile: string): Promise<Client> => {
  const { payloadCodecs } = dataConverterOf(await readPayloadKeys({ NIGHTREEL_PAYLOAD_KEYS_FILE: keysFile }));
  return new Client({ connection: server.client.connection, dataConverter: { payloadCodecs } });
};

const startBatch = (client: Client, campaign: string): Promise<WorkflowHandle> =>
  client.workflow.start('nightlyBatch', {
    ...{ workflowId: `night/${campaign}`, taskQueue: 'orchestrator' },
    args: [{ campaign, csvKey: CANARIES.argument }],
    memo: { said: CANARIES.memo },
    ...{ staticSummary: CANARIES.summary, staticDetails: CANARIES.details },
  });

/** Plays a night of which something secret is said everywhere, and leaves it while one variant is being rendered. */
async function play(client: Client, go: string): Promise<void> {
  const handle = await startBatch(client, 'stays');
  await client.schedule.create({
    ...{ scheduleId: 'canary', spec: {}, state: { paused: true } },
    action: {
      ...{ type: 'startWorkflow', workflowType: 'nightlyBatch', taskQueue: 'orchestrator' },
      args: [{ campaign: 'stays', csvKey: CANARIES.schedule }],
    },
  });
  await handle.signal('remark', CANARIES.signal);
  await handle.executeUpdate(UPDATES.pause, { args: [{ reason: CANARIES.update }] });
  await handle.executeUpdate(UPDATES.resume);
  await until(async () => {
    const status = await statusOf(client, variant(0));
    return status === 'FAILED' ? status : null;
  }, 'the variant that fails');
  await until(() => heartbeatOf(client, 1), 'a heartbeat');
  await writeFile(go, '');
  await until(async () => {
    const said = await heartbeatOf(client, 2);
    return said !== null && 'before' in said ? said : null;
  }, 'the heartbeat of a second attempt');
}

/** What the attempt of that number at the second variant said last. */
async function heartbeatOf(client: Client, number: number): Promise<object | null> {
  const { attempt, heartbeatDetails } = (await pendingOf(client, variant(1))) ?? {};
  const [payload] = heartbeatDetails?.payloads ?? [];
  if (attempt !== number || payload === undefined) return null;
  return await decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, [payload]);
}

const statusOf = async (client: Client, workflowId: string): Promise<string | null> =>
  (
    await client.workflow
      .getHandle(workflowId)
      .describe()
      .catch(() => null)
  )?.status.name ?? null;

const pendingOf = async (client: Client, workflowId: string) =>
  (
    await client.workflow
      .getHandle(workflowId)
      .describe()
      .catch(() => null)
  )?.raw.pendingActivities?.[0];

/** The places whose secret is in the files of a night, once its server is gone. */
async function foundIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('temporal.db'));
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
  // The scan reads the right files: IDs are in the open.
  expect(files.some((bytes) => bytes.includes(variant(0)))).toBe(true);
  return Object.entries(CANARIES)
    .filter(([, canary]) => files.some((bytes) => bytes.includes(canary)))
    .map(([place]) => place);
}

async function databaseOf(keysFile: string, look: (client: Client, server: TestTemporal) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-database-'));
  try {
    {
      await using server = await TestTemporal.on(join(folder, 'temporal.db'));
      const go = join(folder, 'go');
      await using _worker = startWorker(server, keysFile, ALL, go);
      const client = await clientOf(server, keysFile);
      await play(client, go);
      await look(client, server);
    }
    return await foundIn(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the database of Temporal', () => {
  test(
    'has all that is said where nothing is encrypted: the search below would find it',
    async () => {
      expect(await databaseOf('', async () => undefined)).toEqual(Object.keys(CANARIES));
    },
    2 * MINUTE,
  );

  test(
    'has none of it where payloads are encrypted, and whoever has the key reads all of it',
    async () => {
      const found = await databaseOf(keys, async (client, server) => {
        await clientReads(client);
        await codecServerShows(server.address);
      });
      expect(found).toEqual([]);
    },
    2 * MINUTE,
  );
});

async function clientReads(client: Client): Promise<void> {
  const night = client.workflow.getHandle('night/stays');
  const { memo } = await night.describe();
  expect(memo).toEqual({ said: CANARIES.memo });
  expect(await night.query('progress')).toMatchObject({ plan: { rendition: CANARIES.result }, phase: 'rendering' });
  await expect(client.workflow.getHandle(variant(0)).result()).rejects.toMatchObject({
    cause: {
      cause: { message: CANARIES.message, details: [CANARIES.detail], stack: expect.stringContaining(CANARIES.stack) },
    },
  });
  // The attempt after the one that failed was told where that one had come to, and says so itself.
  expect(await heartbeatOf(client, 2)).toEqual({ before: { said: CANARIES.heartbeat } });
  const subject = { batch, kind: 'variant', key: keyOf(1) } as const;
  const tried = await until(async () => (await runsOf(client, subject))[0]?.activities[0] ?? null, 'the list');
  expect(tried).toMatchObject({ attempt: 2, lastFailure: CANARIES.message });
}

/** JSON with the payloads in it, which may be in base64, as text. */
const withOpenData = (json: string): string =>
  JSON.stringify(JSON.parse(json), (name, value: unknown) =>
    name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
  );

/** `nightreel codec serve`, asked by Temporal's own command line. */
async function codecServerShows(address: string): Promise<void> {
  const served = { TEMPORAL_ADDRESS: address, NIGHTREEL_PAYLOAD_KEYS_FILE: keys };
  await using codec = new Running(home.start(['codec', 'serve', '--port', '0'], served));
  const [said] = (await once(codec.child.stdout ?? codec.child, 'data')) as [Buffer];
  const endpoint = String(said).trim();
  const temporal = async (args: readonly string[], environment: Readonly<Record<string, string>>) => {
    const env = { ...process.env, ...environment, TEMPORAL_ADDRESS: address };
    const { stdout } = await run(TEMPORAL, [...args, '--output', 'json', '--disable-config-file'], { env });
    return withOpenData(stdout);
  };
  const show = ['workflow', 'show', '--workflow-id', variant(0)];
  const input = ['workflow', 'show', '--workflow-id', 'night/stays'];
  expect(await temporal(show, {})).not.toContain(CANARIES.message);
  expect(await temporal(input, { TEMPORAL_CODEC_ENDPOINT: endpoint })).toContain(CANARIES.argument);
  const shown = await temporal([...show, '--codec-endpoint', endpoint], {});
  expect(shown).toContain(CANARIES.message);
  expect(shown).toContain(CANARIES.stack);
  // What is typed there is encrypted as well.
  const started = ['workflow', 'start', '--type', 'nightlyBatch', '--task-queue', 'orchestrator'];
  const typed = ['--workflow-id', 'typed', '--input', JSON.stringify({ campaign: CANARIES.argument.toUpperCase() })];
  await temporal([...started, ...typed, '--codec-endpoint', endpoint], {});
  const typedInput = ['workflow', 'show', '--workflow-id', 'typed'];
  expect(await temporal(typedInput, {})).toContain(Buffer.from('binary/encrypted').toString('base64'));
}

test(
  'encryption is switched on in the middle of a batch: what was plain is read, what is new is encrypted, and all of it replays',
  async () => {
    await using server = await TestTemporal.start();
    const plain = startWorker(server, '', 'orchestrator,warehouse,storage,engine');
    const plainClient = await clientOf(server, '');
    const handle = await startBatch(plainClient, 'short');
    const short = { ...batch, campaign: 'short' } as BatchRef;
    const last = workflowIds.variant(short, keyOf(2));
    await until(async () => ((await pendingOf(plainClient, last))?.attempt ?? 0) > 1 || null, 'an attempt in vain');
    await plain[Symbol.asyncDispose]();
    await using _encrypting = startWorker(server, keys, ALL);
    const client = await clientOf(server, keys);
    const closed = await client.workflow.getHandle(handle.workflowId).result();
    expect(closed).toMatchObject({ batchId: 'closed', report: CANARIES.result });
    const encrypted = Buffer.from('binary/encrypted').toString('base64');
    const history = JSON.stringify((await handle.fetchHistory()).events);
    expect(history).toContain(Buffer.from('json/plain').toString('base64'));
    expect(history).toContain(encrypted);
    expect(JSON.stringify((await plainClient.workflow.getHandle(last).fetchHistory()).events)).toContain(encrypted);

    // Who has no key is told so.
    await expect(plainClient.workflow.getHandle(handle.workflowId).result()).rejects.toMatchObject({
      failureClass: 'PayloadUnreadable',
    });
    const replay = resolve(import.meta.dirname, '../support/replay.ts');
    const { stdout } = await run(process.execPath, [...STRIP, replay, server.address, keys]);
    expect(JSON.parse(stdout)).toEqual({ replayed: 5, failed: [] });
  },
  2 * MINUTE,
);

test(
  'a worker without the key leaves a workflow as it is, and one with the key goes on with it',
  async () => {
    await using server = await TestTemporal.start();
    const client = await clientOf(server, keys);
    const handle = await startBatch(client, 'short');
    const without = startWorker(server, '', ALL);
    const failed = await until(async () => {
      const { events } = await handle.fetchHistory();
      return events?.flatMap((event) => event.workflowTaskFailedEventAttributes ?? [])[0] ?? null;
    }, 'a task that fails');
    expect(failed.failure?.message).toMatch(/encrypted with the key '.*', and this process has none\./);
    await without[Symbol.asyncDispose]();
    await using _with = startWorker(server, keys, ALL);
    expect(await handle.result()).toMatchObject({ batchId: 'closed' });
  },
  2 * MINUTE,
);
