/** A night in which videos fail: what is written down of each attempt, what it shows, and that nobody's name is in it. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
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
      attempts: [{ traceUrl: `https://traces.internal/trace/${crashed.traceId}` }],
      temporal: { problem: null, runs: [{ status: 'FAILED' }] },
    });

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
    expect(lastJson(forgotten.stdout)).toMatchObject({ found: true, objects: { failures: 2 } });
    const left = await failureKeys();
    expect(left.filter((key) => key.includes(crashed.key))).toEqual([]);
    expect(left).not.toEqual([]);
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

/** In the middle of a render. */
async function killBrowserOnce(worker: number): Promise<void> {
  const planned = async (): Promise<true | null> => {
    const keys = await Array.fromAsync(store.list('batches/'), ({ key }) => key);
    return keys.some((key) => key.endsWith('/plan.json')) ? true : null;
  };
  await until(planned, 'a plan');
  // By then one is rendered: the one that never gets ready takes five seconds.
  await sleep(2_000);
  const [browser] = browsersOf(worker);
  if (browser === undefined) throw new Error('no browser to kill');
  process.kill(browser, 'SIGKILL');
}
