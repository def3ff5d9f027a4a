/** What can go wrong in a night, and how it is made to. */

import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { findStack, type PartName } from '../../src/stack/index.ts';
import { until } from '../support/nightreel.ts';
import type { Intercept } from '../support/s3-proxy.ts';
import type { Fault, NightUnderWay } from './night.ts';
import {
  clockJumps,
  diskFull,
  killWarehouse,
  ownClock,
  sharedMemoryFull,
  slowWarehouse,
  smallDisk,
  WITH_SMALL_SHARED_MEMORY,
} from './surroundings.ts';

/** How long a server is away, and a store is in trouble. */
const AWAY_MS = 20_000;
/** Of the requests that are disturbed at all. */
const SHARE = 0.3;

const isUpload = ({ method, url = '' }: IncomingMessage): boolean => method === 'PUT' && url.includes('/videos/');

/** For a while, some of the requests fare so. */
const forAWhile =
  (intercept: Intercept, share = SHARE) =>
  async ({ disturb }: NightUnderWay): Promise<void> => {
    disturb((...request) => Math.random() < share && intercept(...request));
    await sleep(AWAY_MS);
    disturb(null);
  };

const answering =
  (status: number, code: string): Intercept =>
  ({ method }, answer) => {
    answer.writeHead(status, { 'content-type': 'application/xml' });
    answer.end(method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>as told</Message></Error>`);
    return true;
  };

const awayAndBack =
  (server: PartName) =>
  async ({ home }: NightUnderWay): Promise<void> => {
    const stack = await findStack(home.folder);
    const pid = stack?.processes.find(({ name }) => name === server)?.pid;
    if (pid === undefined) throw new Error(`${server} does not run`);
    process.kill(pid, 'SIGKILL');
    await sleep(AWAY_MS);
    await home.run(['up']);
  };

async function killWhileUploading({ probe, render }: NightUnderWay): Promise<void> {
  await until(async () => ((await probe.openUploads()) > 0 ? true : null), 'an upload in parts');
  await render.kill();
}

/** Twice: the second time while the first is being made good. */
const twice =
  (strike: (night: NightUnderWay) => Promise<void>) =>
  async (night: NightUnderWay): Promise<void> => {
    await strike(night);
    await sleep(3_000);
    await strike(night);
  };

export const FAULTS: readonly Fault[] = [
  { name: 'render-worker-killed', strike: twice(({ render }) => render.kill()) },
  { name: 'orchestrator-killed', strike: twice(({ orchestrator }) => orchestrator.kill()) },
  { name: 'page-killed', strike: twice(({ killAll }) => killAll(/--type=renderer/)) },
  { name: 'browser-killed', strike: twice(({ killAll }) => killAll(/chromium .*--remote-debugging-p/)) },
  { name: 'display-killed', strike: twice(({ killAll }) => killAll(/Xvfb/)) },
  { name: 'ffmpeg-killed', strike: twice(({ killAll }) => killAll(/libx264/)) },
  { name: 'temporal-away', strike: awayAndBack('temporal') },
  { name: 's3-away', strike: awayAndBack('seaweedfs') },
  {
    name: 's3-403',
    strike: forAWhile((request, ...rest) => isUpload(request) && answering(403, 'AccessDenied')(request, ...rest)),
    failureClass: 'StorageDenied',
    isRepeated: true,
  },
  { name: 's3-500', strike: forAWhile(answering(500, 'InternalError')) },
  { name: 's3-503', strike: forAWhile(answering(503, 'SlowDown')) },
  {
    // 1 KB/s.
    name: 's3-slow',
    strike: forAWhile(async (request, _answer, body) => {
      if (isUpload(request)) await sleep(body.length);
      return false;
    }, 1),
  },
  {
    name: 's3-reset',
    strike: forAWhile((_request, answer) => {
      answer.destroy();
      return true;
    }),
  },
  { name: 'upload-killed', campaign: 'grain', after: 1, strike: twice(killWhileUploading) },
  {
    // To completions of uploads, with an error inside.
    name: 's3-lying-200',
    ...{ campaign: 'grain', after: 1 },
    strike: forAWhile((request, answer) => {
      if (request.method !== 'POST' || !request.url?.includes('uploadId=')) return false;
      answer.writeHead(200, { 'content-type': 'application/xml' });
      answer.end('<Error><Code>InternalError</Code><Message>as told</Message></Error>');
      return true;
    }, 0.7),
  },
  { name: 'shared-memory-full', within: WITH_SMALL_SHARED_MEMORY, strike: sharedMemoryFull },
  { name: 'disk-full', prepare: smallDisk, strike: diskFull },
  { name: 'clock-jumps', prepare: ownClock, strike: clockJumps },
  {
    name: 'warehouse-killed',
    campaign: 'blink-postgres',
    prepare: slowWarehouse,
    after: 0,
    strike: ({ home }) => killWarehouse(home),
  },
  { name: 'template-throws', bug: 'Thrower', failureClass: 'TemplateCrashed' },
  { name: 'template-loops', bug: 'Looper', failureClass: 'TemplateCrashed' },
  { name: 'template-takes-4-gb', bug: 'Hog', failureClass: 'BrowserCrashed' },
  { name: 'template-opens-a-dialog', bug: 'Dialog' },
  { name: 'template-closes-its-window', bug: 'Closer' },
  { name: 'template-navigates-away', bug: 'Navigator', failureClass: 'NetworkForbidden' },
  { name: 'template-asks-the-network', bug: 'Fetcher', failureClass: 'NetworkForbidden' },
];
