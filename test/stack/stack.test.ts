import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findStack, inspectTemporal, type Stack, startStack, stopStack, wipeStack } from '../../src/stack/index.ts';
import { binaries, optionsFor, ROOT, serversOf, temporaryHome, until } from './helpers.ts';

const clientOf = ({ s3 }: Stack): S3Client =>
  new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  });

async function put(stack: Stack, key: string, body: string): Promise<void> {
  const client = clientOf(stack);
  await client.send(new PutObjectCommand({ Bucket: stack.s3.bucket, Key: key, Body: body, ContentType: 'video/mp4' }));
  client.destroy();
}

/** Listens on a port, as soon as whoever has it at the moment (a connection of another test) lets go of it. */
async function squatOn(port: number): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return server;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(100);
    }
  }
}

describe('a running stack', () => {
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let stack: Stack;

  beforeAll(async () => {
    home = await temporaryHome();
    stack = await startStack(optionsFor(home.folder));
  });
  afterAll(async () => home[Symbol.asyncDispose]());

  test('has a Temporal server with the search attributes and a Web UI', async () => {
    const { address, namespace, uiUrl } = stack.temporal;
    const found = await inspectTemporal({ connectionOptions: { address }, namespace });
    expect(found.missingSearchAttributes).toEqual([]);
    expect((await fetch(uiUrl)).status).toBe(200);
  });

  test('shows a video and a report to a browser, byte ranges too, and nothing else', async () => {
    const read = (key: string, init?: RequestInit) => fetch(`${stack.s3.publicBaseUrl}/${key}`, init);
    await put(stack, 'videos/ab/abcd.mp4', 'a video');
    await put(stack, 'batches/referral/2026-11-23/1/report.html', 'a report');
    await put(stack, 'batches/referral/2026-11-23/1/manifest/000001.json', 'params of people');
    await put(stack, 'users/ada.json', 'a pointer');

    const range = await read('videos/ab/abcd.mp4', { headers: { range: 'bytes=2-6' } });
    expect([range.status, range.headers.get('content-type'), await range.text()]).toEqual([206, 'video/mp4', 'video']);
    expect((await read('batches/referral/2026-11-23/1/report.html')).status).toBe(200);
    for (const key of ['batches/referral/2026-11-23/1/manifest/000001.json', 'users/ada.json', '', '?list-type=2']) {
      expect([key, (await read(key)).status]).toEqual([key, 403]);
    }
    expect((await read('videos/ab/abcd.mp4', { method: 'PUT', body: 'another' })).status).toBe(403);
  });

  test('does not show the bucket through any other of its ports', async () => {
    await put(stack, 'users/grace.json', 'a pointer');
    const ports = stack.processes.find(({ name }) => name === 'seaweedfs')?.ports ?? {};
    expect((await fetch(`http://127.0.0.1:${ports.filer}/buckets/nightreel/users/grace.json`)).status).toBe(404);
  });

  test('keeps its credentials in files that only its owner can read', async () => {
    for (const name of ['stack.json', 'seaweedfs.json']) {
      expect((await stat(join(home.folder, name))).mode & 0o077).toBe(0);
    }
  });

  test('is found as it is, and left alone by another start', async () => {
    expect((await findStack(home.folder))?.processes).toEqual(stack.processes);
    const again = await startStack(optionsFor(home.folder));
    expect(again.started).toEqual([]);
    expect(again.processes).toEqual(stack.processes);
  });

  test('gets back only the server that crashed', async () => {
    const temporal = stack.processes.find(({ name }) => name === 'temporal');
    process.kill(temporal?.pid ?? 0, 'SIGKILL');
    await until('Temporal is gone', async () => (await findStack(home.folder)) === null);
    const again = await startStack(optionsFor(home.folder));
    expect(again.started).toEqual(['temporal']);
    expect(again.s3).toEqual(stack.s3);
    stack = again;
  });

  test('stands beside another one', async () => {
    await using other = await temporaryHome();
    const second = await startStack(optionsFor(other.folder));
    expect(second.s3.accessKeyId).not.toBe(stack.s3.accessKeyId);
    expect(new Set([...(await serversOf(home.folder)), ...(await serversOf(other.folder))]).size).toBe(4);
    await stopStack(other.folder);
    expect(await findStack(home.folder)).not.toBeNull();
  });

  test('stands beside others that start in the same moment and want the same ports', async () => {
    await using first = await temporaryHome();
    await using second = await temporaryHome();
    await using third = await temporaryHome();
    const folders = [first.folder, second.folder, third.folder];
    const stacks = await Promise.all(folders.map((folder) => startStack(optionsFor(folder, { ports: 'usual' }))));
    expect(new Set(stacks.map(({ temporal }) => temporal.address)).size).toBe(3);
    expect(new Set(stacks.map(({ s3 }) => s3.endpoint)).size).toBe(3);
    for (const folder of folders) expect(await findStack(folder)).not.toBeNull();
  });

  test('keeps data, credentials and ports over a stop and a start', async () => {
    await put(stack, 'state/referral.json', 'a watermark');
    expect(await stopStack(home.folder)).toEqual(['temporal', 'seaweedfs']);
    expect(await serversOf(home.folder)).toEqual([]);
    expect(await stopStack(home.folder)).toEqual([]);

    const again = await startStack(optionsFor(home.folder));
    expect(again.temporal).toEqual(stack.temporal);
    expect(again.s3).toEqual(stack.s3);
    const client = clientOf(again);
    const answer = await client.send(new GetObjectCommand({ Bucket: again.s3.bucket, Key: 'state/referral.json' }));
    expect(await answer.Body?.transformToString()).toBe('a watermark');
    client.destroy();
  });

  test('takes other ports, and says so, when its own are taken', async () => {
    await stopStack(home.folder);
    const taken = Number(new URL(stack.s3.endpoint).port);
    const squatter = await squatOn(taken);
    try {
      const again = await startStack(optionsFor(home.folder));
      expect(again.s3.endpoint).not.toBe(stack.s3.endpoint);
      expect(again.temporal).toEqual(stack.temporal);
      const client = clientOf(again);
      const answer = await client.send(new GetObjectCommand({ Bucket: again.s3.bucket, Key: 'state/referral.json' }));
      expect(await answer.Body?.transformToString()).toBe('a watermark');
      client.destroy();
    } finally {
      squatter.close();
    }
  });

  test('is not confused by a state file whose pids belong to another program', async () => {
    await stopStack(home.folder);
    const file = join(home.folder, 'stack.json');
    const state = JSON.parse(await readFile(file, 'utf8'));
    for (const part of Object.values(state.parts))
      Object.assign(part as object, { pid: process.pid, readyAt: new Date() });
    await writeFile(file, JSON.stringify(state));
    expect(await findStack(home.folder)).toBeNull();
    expect(await stopStack(home.folder)).toEqual([]);
    const again = await startStack(optionsFor(home.folder));
    expect(again.started).toEqual(['temporal', 'seaweedfs']);
  });

  test('is ended and started anew when its state file was lost', async () => {
    const before = await serversOf(home.folder);
    await rm(join(home.folder, 'stack.json'));
    const notes: string[] = [];
    const again = await startStack(optionsFor(home.folder, { onNote: (note) => notes.push(note) }));
    expect(again.started).toHaveLength(2);
    expect(notes.filter((note) => note.startsWith('Ended a left-over'))).toHaveLength(2);
    const after = await serversOf(home.folder);
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  });
});

test('two starts of one home at once make one stack', async () => {
  await using home = await temporaryHome();
  const both = await Promise.all([startStack(optionsFor(home.folder)), startStack(optionsFor(home.folder))]);
  expect(both.map(({ started }) => started.length).sort()).toEqual([0, 2]);
  expect(both[0].processes).toEqual(both[1].processes);
  expect(await serversOf(home.folder)).toHaveLength(2);
});

test('a start that fails says why, and ends what it had started', async () => {
  await using home = await temporaryHome();
  const start = startStack(optionsFor(home.folder, { binaries: { ...binaries, weed: '/bin/false' } }));
  await expect(start).rejects.toMatchObject({ failureClass: 'StorageUnavailable' });
  expect(await serversOf(home.folder)).toEqual([]);
  await expect(
    startStack(optionsFor(home.folder, { binaries: { ...binaries, weed: '/nowhere/weed' } })),
  ).rejects.toMatchObject({ failureClass: 'ToolMissing' });
  expect(await serversOf(home.folder)).toEqual([]);
});

test('a start that is interrupted leaves nothing behind', async () => {
  await using home = await temporaryHome();
  const controller = new AbortController();
  const start = startStack(optionsFor(home.folder, { signal: controller.signal }));
  await until('a server runs', async () => (await serversOf(home.folder)).length > 0);
  controller.abort();
  await expect(start).rejects.toMatchObject({ failureClass: 'Cancelled' });
  expect(await serversOf(home.folder)).toEqual([]);
});

const STARTER = `
  import { startStack } from ${JSON.stringify(join(ROOT, 'src/stack/index.ts'))};
  const [home, temporal, weed, lifetime] = process.argv.slice(1);
  await startStack({ home, binaries: { temporal, weed }, lifetime, ports: 'any' });
  console.log('started');
  setInterval(() => undefined, 1000);
`;
const launchStarter = (home: string, lifetime: string) =>
  spawn(
    process.execPath,
    ['--input-type=module-typescript', '--eval', STARTER, home, binaries.temporal, binaries.weed, lifetime],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT },
  );

test('an owned stack ends when its owner is killed', async () => {
  await using home = await temporaryHome();
  const owner = launchStarter(home.folder, 'owned');
  await once(owner.stdout, 'data');
  expect(await serversOf(home.folder)).toHaveLength(2);
  owner.kill('SIGKILL');
  await until('its servers are gone', async () => (await serversOf(home.folder)).length === 0);
});

test('a stack whose start was killed half-way is taken up by the next start', async () => {
  await using home = await temporaryHome();
  const killed = launchStarter(home.folder, 'detached');
  await until('a server runs', async () => (await serversOf(home.folder)).length === 2);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await findStack(home.folder)).toBeNull();
  const stack = await startStack(optionsFor(home.folder));
  expect(stack.started).toEqual(['temporal', 'seaweedfs']);
  expect((await serversOf(home.folder)).sort()).toEqual(stack.processes.map(({ pid }) => pid).sort());
});

test('wiping removes the state and leaves what is not its own', async () => {
  await using home = await temporaryHome();
  await startStack(optionsFor(home.folder));
  await stopStack(home.folder);
  await writeFile(join(home.folder, 'notes.txt'), 'mine');
  const removed = await wipeStack(home.folder);
  expect(removed).toContain(join(home.folder, 'seaweedfs'));
  expect(await readFile(join(home.folder, 'notes.txt'), 'utf8')).toBe('mine');
  await expect(stat(join(home.folder, 'temporal.db'))).rejects.toThrow();
});
