/** What a collector hears of a night, and that nobody's name is in it. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestCollector } from '../support/collector.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';

const MINUTE = 60_000;

let home: TestHome;
let collector: TestCollector;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  collector = await TestCollector.start();
}, MINUTE);

afterAll(async () => {
  await collector?.[Symbol.asyncDispose]();
  await home?.end();
}, MINUTE);

test(
  'the spans of the batch and its variants and the three metrics arrive, without anything of a recipient',
  async () => {
    const serving = home.start(['serve', '--workers', '1'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    serving.stdout?.resume();
    serving.stderr?.resume();
    try {
      const csv = join(home.folder, 'users.csv');
      await writeFile(
        csv,
        'recipient_id,name,referralCount,earnings\nr-4711,Wilhelmina,1,10\nr-4712,Thrower,2,98765\n',
      );
      const night = await home.run(['run', 'card', '--csv', csv, '--json']);
      expect(lastJson(night.stdout)).toMatchObject({ rendered: 1, failed: 1 });
    } finally {
      serving.kill('SIGTERM');
      await once(serving, 'close');
    }
    const [spans, metrics] = [collector.text('traces'), collector.text('metrics')];
    for (const name of [
      'RunWorkflow:nightlyBatch',
      'StartChildWorkflow:variantLane',
      'RunActivity:renderVariant',
      'render variant',
    ]) {
      expect(spans).toContain(name);
    }
    for (const name of [
      'nightreel.variants',
      'nightreel.render.duration',
      'nightreel.failures',
      'TemplateCrashed',
      'temporal_workflow_completed',
    ]) {
      expect(metrics).toContain(name);
    }
    for (const personal of ['Wilhelmina', 'Thrower', 'r-4711', '98765'])
      expect(spans + metrics).not.toContain(personal);
  },
  2 * MINUTE,
);
