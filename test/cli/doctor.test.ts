/** `nightreel doctor` on machines that lack something: this one, with programs taken off its PATH. */

import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Check, Diagnosis, RouteResult } from '../../src/cli/doctor/check.ts';
import { diagnosisText } from '../../src/cli/doctor/text.ts';
import { fixture, startRenderer } from '../rendering/support.ts';
import { type Finished, finished, TestHome } from '../support/nightreel.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { ignoring, S3Proxy } from '../support/s3-proxy.ts';

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
const SHELL = ['chromium-headless-shell', 'chrome-headless-shell'];

let home: TestHome;
let folder: string;
let paths = 0;

beforeAll(async () => {
  home = await TestHome.create();
  folder = await mkdtemp(join(tmpdir(), 'nightreel-doctor-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await home.end();
}, 30_000);

/** A PATH with all that is on this one's but some programs. */
async function pathWithout(names: readonly string[]): Promise<string> {
  const path = join(folder, `path-${paths++}`);
  await mkdir(path);
  const taken = new Set(names);
  for (const from of (process.env['PATH'] ?? '').split(':')) {
    for (const name of await readdir(from).catch((): string[] => [])) {
      if (taken.has(name)) continue;
      taken.add(name);
      await symlink(join(from, name), join(path, name));
    }
  }
  return path;
}

const doctor = (args: readonly string[], environment: Record<string, string> = {}): Promise<Finished> =>
  finished(home.start(['doctor', ...args], environment));

async function diagnose(environment: Record<string, string>, ...args: string[]): Promise<[number | null, Diagnosis]> {
  const { code, stdout, stderr } = await doctor(['--json', ...args], environment);
  if (!stdout.startsWith('{')) throw new Error(`doctor said no JSON: ${stderr}`);
  return [code, JSON.parse(stdout) as Diagnosis];
}

const checkOf = ({ checks }: Diagnosis, name: string): Check | undefined => checks.find((check) => check.name === name);
const failedOf = ({ checks }: Diagnosis): string[] =>
  checks.filter(({ status }) => status === 'failed').map(({ name }) => name);

test('a machine with everything works by every route, with one fingerprint: that of its renderer', async () => {
  const [code, found] = await diagnose({});
  expect({ code, failed: failedOf(found) }).toEqual({ code: 0, failed: [] });
  expect(new Set(found.routes.map(({ route }) => route))).toEqual(new Set(['xvfb', 'begin-frame', 'screenshot']));
  for (const route of found.routes) {
    expect(route).toMatchObject({ works: true, problem: null, samePixels: true, msPerFrame: expect.any(Number) });
  }
  expect(found.routes.filter(({ isChosen }) => isChosen)).toEqual([found.routes[0]]);
  await using renderer = await startRenderer(await fixture('tiny'));
  expect(found.engine).toEqual(renderer.fingerprint);
}, 180_000);

test('without Xvfb the next route is taken, and it is said what to install', async () => {
  const [code, found] = await diagnose({ PATH: await pathWithout(['Xvfb', ...CHROMIUM]) });
  expect({ code, failed: failedOf(found) }).toEqual({ code: 0, failed: [] });
  expect(checkOf(found, 'Xvfb')).toMatchObject({
    status: 'warning',
    todo: expect.stringContaining('apt-get install xvfb'),
  });
  expect(found.routes).toMatchObject([
    {
      route: 'xvfb',
      works: false,
      executable: null,
      problem: expect.stringContaining('apt-get install chromium xvfb'),
    },
    { route: 'begin-frame', works: true, isChosen: true },
    { route: 'screenshot', works: true, isChosen: false, samePixels: true },
  ]);
  expect(found.engine).toMatchObject({ captureRoute: 'begin-frame' });
}, 180_000);

test('without ffmpeg nothing can be rendered, whatever captures', async () => {
  const [code, found] = await diagnose({ PATH: await pathWithout(['ffmpeg', 'Xvfb', ...CHROMIUM]) });
  expect({ code, failed: failedOf(found), ok: found.ok }).toEqual({ code: 3, failed: ['ffmpeg'], ok: false });
  expect(checkOf(found, 'ffmpeg')?.todo).toContain('apt-get install ffmpeg');
  expect(found.engine).toBeNull();
  expect(found.routes.some(({ works }) => works)).toBe(true);
}, 180_000);

test('a route that was asked for and does not work is not stood in for', async () => {
  const path = await pathWithout(SHELL);
  const [code, found] = await diagnose({ PATH: path, NIGHTREEL_XVFB: '/bin/false', NIGHTREEL_CAPTURE: 'xvfb' });
  expect({ code, failed: failedOf(found) }).toEqual({ code: 3, failed: ['capture'] });
  expect(checkOf(found, 'capture')?.found).toBe("Capture route 'xvfb' does not work here.");
  expect(found.routes).toMatchObject([
    { route: 'xvfb', works: false, problem: expect.stringContaining('/bin/false') },
    { route: 'begin-frame', works: false, executable: null },
    { route: 'screenshot', works: true, isChosen: false },
  ]);
}, 180_000);

describe('without a Chromium of any kind', () => {
  let path: string;
  beforeAll(async () => {
    path = await pathWithout([...CHROMIUM, ...SHELL]);
  });

  test('a person reads what is missing and what to do', async () => {
    const { code, stdout } = await doctor([], { PATH: path });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^warning +Chromium +not found\n +Install it \(Debian: `apt-get install chromium`\)/m);
    expect(stdout).toMatch(/^FAILED +capture +No way of capturing frames works here\.$/m);
    expect(stdout).toMatch(/^no +begin-frame\n +Capture route 'begin-frame' needs chrome-headless-shell/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('Rendering does not work here yet.');
  }, 60_000);

  test('what killed processes left is counted, and removed when that is wanted', async () => {
    const temporary = join(folder, 'tmp');
    const root = join(temporary, `nightreel-browsers-${userInfo().uid}`);
    // Owned by a process of this machine whose pid no process can have.
    const space = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
    await mkdir(join(root, `${space}-99999999-1-abcdef`), { recursive: true });
    const environment = { PATH: path, TMPDIR: temporary };
    const [, before] = await diagnose(environment);
    expect(checkOf(before, 'left-overs')).toMatchObject({ status: 'warning', todo: expect.stringContaining('--fix') });
    expect(await readdir(root)).toHaveLength(1);
    const [, after] = await diagnose(environment, '--fix');
    expect(checkOf(after, 'left-overs')).toMatchObject({ status: 'ok', found: expect.stringMatching(/^\d+ removed$/) });
    expect(await readdir(root)).toEqual([]);
  }, 60_000);

  test('a program that is named and cannot be run is told by its variable', async () => {
    const [code, found] = await diagnose({ PATH: path, NIGHTREEL_CHROMIUM: '/nowhere/chromium' });
    expect({ code, failed: failedOf(found) }).toEqual({ code: 3, failed: ['Chromium', 'capture'] });
    expect(checkOf(found, 'Chromium')?.found).toContain('NIGHTREEL_CHROMIUM is /nowhere/chromium');
  }, 60_000);

  test('a name that no way of capturing has is refused in one sentence', async () => {
    const { code, stderr, stdout } = await doctor([], { PATH: path, NIGHTREEL_CAPTURE: 'camera' });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('NIGHTREEL_CAPTURE must be one of auto, xvfb, begin-frame, screenshot.');
  });

  test('encoders of devices are tried when all is to be', async () => {
    const [, found] = await diagnose({ PATH: path }, '--all');
    const names = found.checks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['encoder nvenc', 'encoder vaapi', 'encoder videotoolbox']));
    expect(failedOf(found)).toEqual(['capture']);
  }, 60_000);
});

describe('of the object store', () => {
  let server: TestS3;
  let path: string;
  beforeAll(async () => {
    server = await TestS3.start();
    // Without browsers it is quicker, and it is the store that is looked at.
    path = await pathWithout([...CHROMIUM, ...SHELL]);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  const environment = (endpoint: string, bucket = server.bucket) => ({
    ...{ PATH: path, AWS_ENDPOINT_URL_S3: endpoint, NIGHTREEL_BUCKET: bucket },
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
  });

  test('a person reads, question by question, what it does, and may have abandoned uploads aborted', async () => {
    const before = await doctor([], environment(server.endpoint));
    expect(before.stdout).toContain(`Object store: bucket ${server.bucket} at ${server.endpoint}\n`);
    expect(before.stdout).toMatch(/^ok +put if-none-match: there +refused with 412$/m);
    expect(before.stdout).toMatch(
      /^warning +abandoned uploads +no lifecycle rule aborts them\n +`nightreel doctor --fix`/m,
    );
    expect(before.stdout).not.toContain('The object store does not do');
    const [, { store }] = await diagnose(environment(server.endpoint), '--fix');
    expect(store).toMatchObject({ bucket: server.bucket, endpoint: server.endpoint });
    expect(store?.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(store?.checks.slice(-2)).toMatchObject([
      {
        name: 'abandoned uploads',
        found: 'aborted after 1 day by a lifecycle rule, installed now; other rules kept: 0',
      },
      { name: 'clock', found: "no more than 1 s from this machine's" },
    ]);
  }, 60_000);

  test('one that ignores a condition fails, with what that means', async () => {
    await using proxy = await S3Proxy.start(server, ignoring(server, 'if-match'));
    const { code, stdout } = await doctor([], environment(proxy.endpoint));
    expect(code).toBe(3);
    expect(stdout).toMatch(/^FAILED +put if-match: stale +done all the same\n +Pointers could go back .*StorageUnfit/m);
    expect(stdout).toContain('The object store does not do what it must.\n');
  }, 60_000);

  test('one that is not there is told in one sentence', async () => {
    const [code, { store, ok }] = await diagnose(environment(server.endpoint, 'no-such-bucket'));
    expect({ code, ok }).toEqual({ code: 3, ok: false });
    expect(store?.checks).toMatchObject([{ status: 'failed', found: expect.stringContaining('no such bucket') }]);
  }, 60_000);
});

test('a route with pixels of its own is told, with what it means', () => {
  const route = (name: RouteResult['route'], pixels: string, isChosen: boolean): RouteResult => ({
    ...{ route: name, executable: '/usr/bin/chromium', works: true, problem: null, notes: [], browser: 'Chrome/1' },
    ...{ msPerFrame: 20, pixels, samePixels: pixels === 'a', isChosen },
  });
  const text = diagnosisText({
    ok: true,
    checks: [],
    ...{ store: null, temporal: null, campaigns: null, telemetry: null },
    routes: [route('xvfb', 'a', true), route('begin-frame', 'a', false), route('screenshot', 'b', false)],
    engine: null,
  });
  expect(text).toContain('screenshot with /usr/bin/chromium draws differently here: it has a fingerprint of its own.');
  expect(text).not.toContain('All routes');
});
