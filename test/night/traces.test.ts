/** The traces of a night: one for each variant, linked to the batch's; and nights whose collector is of no use. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { traceIdOf } from '../../src/contracts/spans.ts';
import { TestCollector } from '../support/collector.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';
import { byTrace, drawn, type ReceivedSpan } from '../support/spans.ts';

const MINUTE = 60_000;
const TEMPORAL = resolve(import.meta.dirname, '../../.tools/bin/temporal');

let home: TestHome;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
}, MINUTE);

afterAll(async () => {
  await home?.end();
}, MINUTE);

interface Night {
  readonly summary: Record<string, unknown>;
  /** What the worker logged, one object a line. */
  readonly log: readonly Record<string, unknown>[];
  readonly exitCode: number | null;
}

/** A night of these people, by a worker with these variables, which is then stopped. */
async function night(
  people: readonly string[],
  variables: Readonly<Record<string, string>>,
  { campaign = 'card', afterwards = async (_: string): Promise<void> => undefined } = {},
): Promise<Night> {
  const csv = join(home.folder, 'users.csv');
  const rows = people.map((name, at) => `r-47${at},${name},${at},98765`);
  await writeFile(csv, ['recipient_id,name,referralCount,earnings', ...rows, ''].join('\n'));
  const serving = home.start(['serve', '--workers', '1'], variables);
  serving.stdout?.resume();
  if (serving.stderr === null) throw new TypeError('the worker has no stderr');
  const said = text(serving.stderr);
  try {
    const run = await home.run(['run', campaign, '--csv', csv, '--json']);
    const summary = lastJson(run.stdout);
    await afterwards(String(summary['batchId']));
    return { summary, ...(await stopped()) };
  } finally {
    serving.kill('SIGKILL');
  }

  async function stopped() {
    const closed = once(serving, 'close');
    serving.kill('SIGTERM');
    const [exitCode] = (await closed) as [number | null];
    const log = (await said).split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    return { log, exitCode };
  }
}

const rootOf = (spans: readonly ReceivedSpan[]): ReceivedSpan => {
  const roots = spans.filter(({ parentId }) => parentId === null);
  expect(roots).toHaveLength(1);
  return roots[0] as ReceivedSpan;
};

describe('a night of three, of whom one fails, is backfilled, and reset', () => {
  let traces: ReadonlyMap<string, readonly ReceivedSpan[]>;
  let batch: ReceivedSpan;
  let backfill: ReceivedSpan;
  let log: Night['log'];

  beforeAll(async () => {
    await using collector = await TestCollector.start();
    const people = ['Wilhelmina', 'Thrower', 'Bo'];
    const done = await night(
      people,
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
      { afterwards: failTwiceMore },
    );
    expect(done.summary).toMatchObject({ rendered: 2, failed: 1 });
    log = done.log;
    traces = byTrace(collector.spans());
    const roots = [...traces.values()].map(rootOf);
    batch = roots.find(({ name }) => name === 'RunWorkflow:nightlyBatch') as ReceivedSpan;
    backfill = roots.find(({ name }) => name === 'RunWorkflow:backfillVariants') as ReceivedSpan;
  }, 5 * MINUTE);

  const failTwiceMore = async (batchId: string): Promise<void> => {
    await home.run(['backfill', '--batch', batchId, '--json']);
    const probe = await NightProbe.connect(home);
    try {
      const [failed] = await probe.failedVariants(String(batchId.split('/')[1]));
      const workflowId = `variant/${batchId.split('/').slice(0, 2).join('/')}/${failed?.key}`;
      await promisify(execFile)(TEMPORAL, [
        ...['workflow', 'reset', '--address', probe.temporalAddress, '--workflow-id', workflowId],
        ...['--type', 'FirstWorkflowTask', '--reason', 'once more'],
      ]);
      const ended = async () =>
        (await probe.statuses(`WorkflowId = '${workflowId}'`)).join() === 'FAILED,FAILED,FAILED';
      await until(async () => ((await ended()) ? true : null), 'the end of the run that was reset');
    } finally {
      await probe.close();
    }
  };

  const variants = () =>
    [...traces.values()]
      .filter((spans) => rootOf(spans).name === 'RunWorkflow:renderVariant')
      .map((spans) => ({ spans, root: rootOf(spans) }));
  const inNight = () => variants().filter(({ root }) => root.links[0]?.traceId === batch.traceId);

  test('there is a trace for the batch, and one for each run of a variant, which links to it', () => {
    expect(inNight()).toHaveLength(3);
    const inBatch = traces.get(batch.traceId)?.map(({ spanId }) => spanId);
    for (const { root } of inNight()) {
      expect(root.links).toHaveLength(1);
      expect(inBatch).toContain(root.links[0]?.spanId);
    }
    // As many spans as it has pages and lanes, whatever the number of variants.
    const names = traces.get(batch.traceId)?.map(({ name }) => name);
    expect(names?.filter((name) => name.includes('renderVariant') || name.includes('Query'))).toEqual([]);
  });

  test('what is rendered again has a trace of its own again, by a backfill and by a reset alike', () => {
    expect(traces.size).toBe(7);
    const again = variants().filter(({ root }) => root.links[0]?.traceId === backfill.traceId);
    expect(again).toHaveLength(2);
    const first = inNight().find(({ root }) => root.isError);
    for (const { root } of again) {
      expect(root.attributes['error.type']).toBe('TemplateCrashed');
      for (const name of ['nightreel.variant', 'nightreel.batch'])
        expect(root.attributes[name]).toBe(first?.root.attributes[name]);
    }
  });

  test('a rendered variant is one tree, from its workflow to the upload and the pointers', () => {
    const rendered = variants().filter(({ root }) => !root.isError);
    expect(rendered).toHaveLength(2);
    for (const { spans } of rendered) {
      expect(drawn(spans)).toEqual([
        'RunWorkflow:renderVariant',
        '  StartActivity:renderVariant',
        '    RunActivity:renderVariant',
        '      read plan',
        '      read row',
        '      render variant',
        '        look up',
        '        load template',
        '        acquire',
        '        params',
        '        capture',
        '        encode',
        '        verify',
        '        upload',
        '  StartActivity:publishPointers',
        '    RunActivity:publishPointers',
        '      read row',
        '      ask consent',
        '      publish',
      ]);
      expect(spans.filter(({ isError }) => isError)).toEqual([]);
    }
  });

  test('every span lasts as long as its work, within the one that it is part of', () => {
    for (const { spans } of variants()) {
      const byId = new Map(spans.map((span) => [span.spanId, span]));
      for (const span of spans) {
        const parent = span.parentId === null ? span : byId.get(span.parentId);
        // Workflows know whole milliseconds.
        expect(Number(span.start - (parent?.start ?? 0n))).toBeGreaterThanOrEqual(-1_000_000);
        expect(Number((parent?.end ?? 0n) - span.end)).toBeGreaterThanOrEqual(-1_000_000);
      }
      const capture = spans.find(({ name }) => name === 'capture');
      expect(Number((capture?.end ?? 0n) - (capture?.start ?? 0n))).toBeGreaterThan(10_000_000);
    }
  });

  test('spans say which variant, batch and campaign, and from which process they come', () => {
    for (const { spans, root } of variants()) {
      const about = { 'nightreel.campaign': 'card', 'nightreel.batch': expect.stringMatching(/^card\/[\d-]+\/1$/) };
      const key = String(root.attributes['nightreel.variant']);
      expect(key).toMatch(/^[0-9a-f]{64}$/);
      expect(root.attributes).toMatchObject(about);
      const rendering = spans.find(({ name }) => name === 'render variant');
      expect(rendering?.attributes).toMatchObject({ ...about, 'nightreel.variant': key, 'nightreel.attempt': '1' });
      // Whoever knows the run finds the trace.
      expect(root.traceId).toBe(traceIdOf(String(root.attributes['run_id'])));
      expect(root.resource).toMatchObject({
        'service.name': 'nightreel-worker',
        'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
        'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    }
  });

  test('the one that failed says with which class, in each span that failed with it', () => {
    const failed = inNight().filter(({ root }) => root.isError);
    expect(failed).toHaveLength(1);
    const spans = failed[0]?.spans.filter(({ isError }) => isError) ?? [];
    const classes = Object.fromEntries(spans.map(({ name, attributes }) => [name, attributes['error.type']]));
    expect(classes).toEqual({
      'RunWorkflow:renderVariant': 'TemplateCrashed',
      'StartActivity:renderVariant': 'TemplateCrashed',
      'RunActivity:renderVariant': 'TemplateCrashed',
      'render variant': 'TemplateCrashed',
      capture: 'TemplateCrashed',
    });
  });

  test('what is logged of it, by us and by Temporal, names its trace', () => {
    const failed = variants().filter(({ root }) => root.isError);
    expect(failed).toHaveLength(3);
    for (const msg of ['activity attempt failed', 'Activity failed', 'Workflow failed']) {
      for (const { spans, root } of failed) {
        const lines = log.filter((line) => line['msg'] === msg && line['trace_id'] === root.traceId);
        expect(lines).toHaveLength(1);
        expect(spans.map(({ spanId }) => spanId)).toContain(lines[0]?.['span_id']);
      }
    }
  });
});

test(
  'where no share of traces is sampled, the variant that failed arrives all the same, whole, and with its batch',
  async () => {
    await using collector = await TestCollector.start();
    await night(['Edith', 'Thrower', 'Ferdinand'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    const traces = [...byTrace(collector.spans()).values()];
    const roots = traces.map(rootOf);
    expect(roots.map(({ name, isError }) => [name, isError]).toSorted()).toEqual([
      ['RunWorkflow:nightlyBatch', false],
      ['RunWorkflow:renderVariant', true],
    ]);
    const names = traces.flatMap((spans) => (rootOf(spans).isError ? spans.map(({ name }) => name) : []));
    expect(names).toEqual(expect.arrayContaining(['read plan', 'read row', 'acquire', 'params', 'capture']));
  },
  5 * MINUTE,
);

test(
  'a scene that several share is a trace of its own; the videos that are joined of them have their parts in theirs',
  async () => {
    await using collector = await TestCollector.start();
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    const { summary } = await night(['Ada', 'Ada', 'Bob', 'Bob'], variables, { campaign: 'story' });
    expect(summary).toMatchObject({ variants: 4, rendered: 4 });
    const traces = [...byTrace(collector.spans()).values()];
    const batch = traces.map(rootOf).find(({ name }) => name === 'RunWorkflow:nightlyBatch');
    const of = (type: string) => traces.filter((spans) => rootOf(spans).name === `RunWorkflow:${type}`);

    const scenes = of('renderScene');
    for (const { links, attributes } of scenes.map(rootOf)) {
      expect(links.map(({ traceId }) => traceId)).toEqual([batch?.traceId]);
      expect(attributes).toMatchObject({ 'nightreel.scene': expect.stringMatching(/^[0-9a-f]{64}$/) });
    }
    // Two names, one goodbye, and the soundtrack, which is not drawn.
    const stages = ['acquire', 'params', 'capture', 'encode', 'verify'].map((name) => `        ${name}`);
    const ends = scenes.map((spans) => drawn(spans).slice(drawn(spans).indexOf('      render scene') + 1));
    expect(ends.toSorted((a, b) => a.length - b.length)).toEqual([[], stages, stages, stages]);
    expect(of('renderVariant')).toHaveLength(4);
    for (const spans of of('renderVariant')) {
      const parts = spans.filter(({ name }) => name === 'scene');
      const origins = parts.map(({ attributes }) => attributes['nightreel.scene.origin']);
      expect(origins.toSorted()).toEqual(['made', 'memory', 'memory', 'memory']);
      expect(drawn(spans)).toEqual(expect.arrayContaining(['          capture', '        assemble', '        upload']));
    }
  },
  5 * MINUTE,
);

describe('a collector of no use', () => {
  test.each([
    ['is down', null, 'ECONNREFUSED'],
    ['answers 500', 'fails', 'Internal Server Error'],
    ['takes what it is sent and never answers', 'hangs', 'timed out'],
  ] as const)(
    'which %s loses telemetry, never a variant, and the log says so once',
    async (what, behaviour, why) => {
      await using collector = behaviour === null ? null : await TestCollector.start(behaviour);
      const endpoint = collector?.endpoint ?? 'http://127.0.0.1:9';
      const { summary, log, exitCode } = await night(['Gwendolyn', what], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect(summary).toMatchObject({ variants: 2, failed: 0, pointers: 2 });
      const told = log.filter(({ msg }) => String(msg).startsWith('telemetry is not delivered'));
      expect(told.map(({ reason }) => reason)).toEqual([expect.stringContaining(why)]);
      expect(exitCode).toBe(0);
    },
    5 * MINUTE,
  );
});
