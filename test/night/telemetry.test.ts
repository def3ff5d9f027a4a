/** What a collector hears of a night, and that nobody's name is in it. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestCollector } from '../support/collector.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { byTrace } from '../support/spans.ts';

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
      const variables = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/v1/traces` };
      const night = await home.run(['run', 'card', '--csv', csv, '--json'], variables);
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
    // Whoever started the batch is where its trace begins, and what they then looked at is not in it.
    const [started, ...others] = collector
      .spans()
      .filter(({ resource }) => resource['service.name'] === 'nightreel-client');
    expect(others).toEqual([]);
    expect(started?.name).toBe('StartWorkflow:nightlyBatch');
    // By this a collector knows variants from batches.
    for (const trace of byTrace(collector.spans()).values()) {
      const isVariant = trace.some(({ name }) => name === 'RunWorkflow:renderVariant');
      expect(new Set(trace.map(({ traceState }) => traceState))).toEqual(
        new Set([isVariant ? 'nightreel=renderVariant' : '']),
      );
    }
    const batch = collector.spans().find(({ name }) => name === 'RunWorkflow:nightlyBatch');
    expect([batch?.traceId, batch?.parentId]).toEqual([started?.traceId, started?.spanId]);
    for (const name of [
      'nightreel.variants',
      'nightreel.render.duration',
      'nightreel.failures',
      'TemplateCrashed',
      'temporal_workflow_completed',
    ]) {
      expect(metrics).toContain(name);
    }
    // A batch for a list is not the night that must not be missing.
    expect(metrics).not.toContain('nightreel.batch.closed');
    for (const personal of ['Wilhelmina', 'Thrower', 'r-4711', '98765'])
      expect(spans + metrics).not.toContain(personal);
  },
  2 * MINUTE,
);
