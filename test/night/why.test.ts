/** A night in which videos fail: what is written down of each attempt, what it shows, and that nobody's name is in it. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { KnownRuns } from '../../src/cli/run-why.ts';
import { findTargets } from '../../src/config/connections.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { parseManifestPage } from '../../src/planning/manifest.ts';
import { type FailureLine, failureLineSchema } from '../../src/reporting/why/failure-line.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { browsersOf } from '../rendering/support.ts';
import { TestCollector } from '../support/collector.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';

const MINUTE = 60_000;
const PERSONAL = ['Thrower', 'Wilhelmina', 'Silent', 'r-4711', 'r-4712', 'r-4713', '98765', '98,765'];

let home: TestHome;
let collector: TestCollector;
let store: ObjectStore;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  collector = await TestCollector.start();
  const { s3 } = await findTargets(readEnvironment(home.environment));
  if (s3 === null) throw new Error('no object store');
  store = new ObjectStore(s3);
}, MINUTE);

afterAll(async () => {
  store?.close();
  await collector?.[Symbol.asyncDispose]();
  await home?.end();
}, MINUTE);

test(
  'each failed attempt leaves a line and a picture; why tells all of it, and its command fails the same way',
  async () => {
    const serving = home.start(['serve', '--workers', '1'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    serving.stdout?.resume();
    const logged = text(serving.stderr ?? process.stdin);
    const csv = join(home.folder, 'users.csv');
    const people = ['r-4711,Wilhelmina,1,10', 'r-4712,Thrower,2,98765', 'r-4713,Silent,3,30'];
    await writeFile(csv, `recipient_id,name,referralCount,earnings\n${people.join('\n')}\n`);
    let lines: FailureLine[];
    try {
      const killing = killBrowserOnce(serving.pid ?? 0);
      const night = await home.run(['run', 'card', '--csv', csv, '--json']);
      await killing;
      expect(lastJson(night.stdout)).toMatchObject({ rendered: 1, failed: 2 });
      const keys = await failureKeys();
      lines = await Promise.all(
        keys
          .filter((key) => key.endsWith('.json'))
          .map(async (key) => failureLineSchema.parse(JSON.parse((await store.getText(key)) ?? ''))),
      );
    } finally {
      serving.kill('SIGTERM');
      await once(serving, 'close');
    }
    const classes = lines.map(({ failureClass }) => failureClass);
    expect(classes).toContain('TemplateCrashed');
    expect(classes).toContain('TemplateNotReady');
    expect(classes).toContain('BrowserCrashed');
    expect(JSON.stringify(lines)).not.toMatch(new RegExp(PERSONAL.join('|')));

    // Capitals, a piece of a name and a formatted number are in what it threw.
    expect(await logged).not.toMatch(/rower|wilhelmina|r-471[123]|(?<![0-9a-z])98,?765(?![0-9a-z])/i);
    const inLog = (await logged)
      .split('\n')
      .filter((line) => line.includes('"event":"render_attempt_failed"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(inLog.map(({ key, attempt }) => `${String(key)} ${String(attempt)}`).sort()).toEqual(
      lines.map(({ key, attempt }) => `${key} ${attempt}`).sort(),
    );
    expect(JSON.stringify(inLog)).not.toMatch(new RegExp(PERSONAL.join('|')));

    const crashed = lineOf(lines, 'TemplateCrashed');
    expect(crashed).toMatchObject({ stage: 'capture', frameCount: 30, willRetry: false, rendition: 'email-480p' });
    expect(crashed.lastFrame).toBeGreaterThan(10);
    expect(crashed.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(crashed.said).toContainEqual({
      level: 'thrown',
      text: expect.stringContaining('no scene for ‹name› with ‹earnings›'),
      place: expect.stringMatching(/^at draw \(index\.html:\d+:\d+\)$/),
    });
    for (const line of [crashed, lineOf(lines, 'TemplateNotReady')]) {
      const picture = await store.get(line.screenshot ?? 'none');
      const { format, width, height } = await sharp(picture?.body).metadata();
      expect({ format, width, height }).toEqual({ format: 'jpeg', width: 854, height: 480 });
    }
    expect(lineOf(lines, 'BrowserCrashed')).toMatchObject({ willRetry: true, screenshot: null });

    const digits = crashed.key.slice(0, 12);
    const told = await home.run(['why', digits]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    for (const part of [
      `Variant ${crashed.key}`,
      `${crashed.batch}, page ${crashed.page}, line ${crashed.index + 1}, 1 person`,
      'failed, TemplateCrashed',
      'Fix the script named in the message.',
      'failed at capture after frame',
      'no scene for ‹name› with ‹earnings›',
      'screenshot http',
      `trace      ${crashed.traceId}`,
      'temporal   failed, http',
      'not stored',
      crashed.reproduce,
    ]) {
      expect(told.stdout).toContain(part);
    }
    expect(told.stdout).not.toMatch(new RegExp(PERSONAL.join('|')));
    const json = await home.run(['why', crashed.workflowId, '--json'], {
      NIGHTREEL_TRACE_URL: 'https://traces.internal/trace/{traceId}',
    });
    expect(lastJson(json.stdout)).toMatchObject({
      key: crashed.key,
      people: 1,
      outcome: { outcome: 'failed', failureClass: 'TemplateCrashed' },
      attempts: expect.arrayContaining([
        expect.objectContaining({ traceUrl: `https://traces.internal/trace/${crashed.traceId}` }),
      ]),
      temporal: { problem: null, runs: [{ status: 'FAILED' }] },
    });

    const alone = await home.run(['why', digits], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('No answer from the Temporal server') });
    const killed = lineOf(lines, 'BrowserCrashed');
    const runs = lastJson((await home.run(['why', killed.key, '--json'])).stdout)['temporal'];
    const messages = lines.filter(({ key }) => key === killed.key).map(({ message }) => message);
    const [tried] = (runs as KnownRuns).runs[0]?.activities ?? [];
    expect(tried).toMatchObject({ activity: 'renderVariant', state: 'over' });
    expect(messages).toContain(tried?.lastFailure);

    const [program, ...args] = crashed.reproduce.split(' ');
    expect(program).toBe('nightreel');
    const again = await home.run(args);
    expect(again.stderr).toContain('(TemplateCrashed)');
    expect(again.stderr).toContain(crashed.message);

    const rendered = await keyOf('Wilhelmina', crashed.batch);
    const out = join(home.folder, 'again.mp4');
    const fine = await home.run(['render', '--variant', rendered, '--out', out, '--json']);
    expect(lastJson(fine.stdout)).toMatchObject({ rendition: 'email-480p', frameCount: 30 });

    const nothing = await home.run(['why', '0123456789ab']);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain('No variant and no scene that begins with 0123456789ab');

    const forgotten = await home.run(['forget', 'r-4712', '--json']);
    expect(lastJson(forgotten.stdout)).toMatchObject({ found: true, objects: { failures: expect.any(Number) } });
    const left = await failureKeys();
    expect(left.filter((key) => key.includes(crashed.key))).toEqual([]);
    expect(left).not.toEqual([]);
  },
  4 * MINUTE,
);

test(
  'a scene that fails is told by its own key, drawn again by it, and its picture goes with the last who had it',
  async () => {
    const serving = home.start(['serve', '--workers', '1']);
    serving.stdout?.resume();
    serving.stderr?.resume();
    try {
      const csv = join(home.folder, 'two.csv');
      await writeFile(csv, 'recipient_id,name,referralCount,earnings\nr-1,Thrower,1,10\nr-2,Thrower,2,20\n');
      const night = await home.run(['run', 'story', '--csv', csv, '--json']);
      expect(lastJson(night.stdout)).toMatchObject({ failed: 2 });
    } finally {
      serving.kill('SIGTERM');
      await once(serving, 'close');
    }
    const ofScenes = async () => (await failureKeys()).filter((key) => key.includes('/failures/scenes/'));
    const [key = ''] = (await ofScenes()).filter((name) => name.endsWith('.json'));
    const line = failureLineSchema.parse(JSON.parse((await store.getText(key)) ?? ''));
    expect(line).toMatchObject({ kind: 'scene', activity: 'renderScene', failureClass: 'TemplateCrashed' });
    const told = await home.run(['why', line.key.slice(0, 12)]);
    for (const part of [`Scene ${line.key}`, "scene 'hello'", 'of renderScene', line.reproduce]) {
      expect(told.stdout).toContain(part);
    }
    const [, ...args] = line.reproduce.split(' ');
    expect((await home.run(args)).stderr).toContain('(TemplateCrashed)');
    const asVariant = await home.run(['render', '--variant', line.key, '--out', join(home.folder, 'no.mp4')]);
    expect(asVariant).toMatchObject({ code: 2, stderr: expect.stringContaining('give it with --scene') });

    expect((await ofScenes()).filter((name) => name.endsWith('.jpg'))).not.toEqual([]);
    for (const id of ['r-1', 'r-2']) expect((await home.run(['forget', id])).code).toBe(0);
    expect((await failureKeys()).filter((name) => name.includes('batches/story/'))).toEqual([]);
  },
  4 * MINUTE,
);

const lineOf = (lines: readonly FailureLine[], failureClass: string): FailureLine => {
  const line = lines.find((one) => one.failureClass === failureClass);
  if (line === undefined) throw new Error(`no line of class ${failureClass}`);
  return line;
};

async function keyOf(name: string, batchId: string): Promise<string> {
  for await (const { key } of store.list(`batches/${batchId}/manifest/`)) {
    const { variants } = parseManifestPage((await store.getText(key)) ?? '', key);
    const found = variants.find(({ params }) => params['name'] === name);
    if (found !== undefined) return found.key;
  }
  throw new Error(`no ${name}`);
}

async function failureKeys(): Promise<string[]> {
  const keys = await Array.fromAsync(store.list('batches/'), ({ key }) => key);
  return keys.filter((key) => key.includes('/failures/'));
}

/** In the middle of a render, however often it takes to hit one: one that is idle is replaced, and nobody is told. */
async function killBrowserOnce(worker: number): Promise<void> {
  const planned = async (): Promise<true | null> => {
    const keys = await Array.fromAsync(store.list('batches/'), ({ key }) => key);
    return keys.some((key) => key.endsWith('/plan.json')) ? true : null;
  };
  const crashed = async (): Promise<true | null> => {
    for (const key of await failureKeys()) {
      if (key.endsWith('.json') && (await store.getText(key))?.includes('BrowserCrashed')) return true;
    }
    return null;
  };
  await until(planned, 'a plan');
  for (let kills = 0; kills < 10; kills += 1) {
    const browser = await until(async () => browsersOf(worker)[0] ?? null, 'a browser');
    process.kill(browser, 'SIGKILL');
    if ((await until(crashed, 'a line of it', 1_500).catch(() => null)) !== null) return;
  }
  throw new Error('no render was hit');
}
