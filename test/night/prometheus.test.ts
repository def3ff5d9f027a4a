/** What a real Prometheus knows of a night, from the worker that rendered it. */

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PortChooser } from '../../src/stack/ports.ts';
import { FIXTURE_PROJECT, lastJson, TestHome, until } from '../support/nightreel.ts';
import { comparedIn, metricsIn, panelExpressions, ruleExpressions } from '../support/observability.ts';
import { TestPrometheus } from '../support/prometheus.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;

let project: string;
let home: TestHome;
let worker: Worker;
let prometheus: TestPrometheus;
let port: number;
let temporalPort: number;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-project-'));
  await cp(FIXTURE_PROJECT, project, { recursive: true });
  const people = ['r-1,Wilhelmina,1,10', 'r-2,Thrower,2,20', 'r-3,Ada,3,30'];
  await writeFile(join(project, 'people.csv'), `recipient_id,name,referralCount,earnings\n${people.join('\n')}\n`);
  const campaign = {
    ...{ title: 'Card', template: 'card', rendition: 'email-480p', lanes: { count: 2, window: 4 } },
    source: { type: 'csv', path: join(project, 'people.csv') },
    schedule: { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], at: '23:00', timeZone: 'America/New_York' },
    deadline: { at: '06:00' },
  };
  // JSON is YAML.
  await writeFile(join(project, 'campaigns/card.yaml'), JSON.stringify(campaign));
  home = await TestHome.create(project);
  await home.run(['up']);
  const ports = new PortChooser();
  port = await ports.choose();
  temporalPort = await ports.choose();
  worker = Worker.start(home, ['--workers', '1'], {
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    NIGHTREEL_TEMPORAL_METRICS_PORT: String(temporalPort),
  });
  prometheus = await TestPrometheus.start(port);
}, 3 * MINUTE);

afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await worker?.stop();
  await home?.end();
  await rm(project, { recursive: true, force: true });
}, 2 * MINUTE);

test(
  'the numbers of a night are those of its report, and all that rules and panels ask for is there',
  async () => {
    const night = await home.run(['run', 'card', '--json']);
    expect(lastJson(night.stdout)).toMatchObject({ rendered: 2, failed: 1 });
    const closed = 'nightreel_batch_closed_timestamp_seconds{campaign="card"}';
    await until(async () => await prometheus.value(closed), 'the closed batch to be scraped');

    for (const [expression, value] of [
      ['nightreel_variants_planned_total', 3],
      ['nightreel_variants_total{outcome="rendered"}', 2],
      ['nightreel_variants_total{outcome="failed"}', 1],
      ['nightreel_failures_total{class="TemplateCrashed"}', 1],
      ['nightreel_render_duration_seconds_count', 2],
      ['nightreel_stage_duration_seconds_count{stage="upload"}', 2],
      ['nightreel_stage_duration_seconds_count{stage="verify"}', 2],
      ['nightreel_stage_duration_seconds_count{stage="publish"}', 2],
      ['nightreel_variant_cpu_seconds_count', 2],
      ['nightreel_storage_retries_total', 0],
      ['nightreel_pool_browsers{state="slots"}', 1],
      ['nightreel_pool_browsers{state="leased"}', 0],
      ['nightreel_batches_at_risk_total{campaign="card"}', 0],
    ] as const) {
      expect([expression, await prometheus.value(expression)]).toEqual([expression, value]);
    }
    for (const expression of [
      'nightreel_frames_total',
      'nightreel_uploaded_bytes_total',
      'nightreel_pool_memory_bytes',
      'nightreel_pool_warmups_total',
      'nightreel_pool_leases_total',
      'nightreel_batch_duration_seconds',
      'nightreel_cpu_seconds_total{part="browser"}',
      'nightreel_cpu_seconds_total{part="encoder"}',
      'nightreel_cpu_seconds_total{part="worker"}',
      'sum(nightreel_variant_cpu_seconds_sum) < sum(nightreel_cpu_seconds_total)',
      'nightreel_queue_wait_seconds_count{queue="render"}',
      'nightreel_batch_deadline_slack_seconds',
      'histogram_quantile(0.95, sum by (le) (nightreel_render_duration_seconds_bucket))',
    ]) {
      expect([expression, await prometheus.value(`${expression} > 0`)]).toEqual([expression, expect.any(Number)]);
    }

    const rules = await ruleExpressions();
    const panels = await panelExpressions();
    const [variants = '', p95 = '', failureRate = ''] = panels;
    const told = async () => ((await prometheus.value(`${p95} and on () ${failureRate} > 0`)) === null ? null : true);
    await until(told, 'the numbers of the morning to be recorded');
    expect(await prometheus.value(`round(${variants})`)).toBe(3);
    expect(await prometheus.value(p95)).toBeGreaterThan(0);
    expect(await prometheus.value(failureRate)).toBeCloseTo(1 / 3);
    const ofTwo = rules.find(({ record }) => record === p95)?.expr ?? '';
    expect([ofTwo, await prometheus.query(ofTwo)]).toEqual([
      expect.stringMatching(/^histogram_quantile.*>= 100$/s),
      '',
    ]);

    // Every alert has figures to judge by, and this night is nobody's to be woken for.
    const alerts = rules.filter(({ alert }) => alert !== null);
    expect(alerts).toHaveLength(8);
    for (const { alert, expr } of alerts) {
      expect([alert, await prometheus.query(comparedIn(expr))]).toEqual([alert, expect.stringContaining(' => ')]);
      expect([alert, await prometheus.query(expr)]).toEqual([alert, '']);
    }
    expect((await prometheus.rules()).sort()).toEqual(
      rules.map(({ alert, record }) => `${alert ?? record}: ok`).sort(),
    );

    for (const expression of panels) await prometheus.query(expression);
    const counts = await prometheus.query('count by (__name__) ({__name__=~"nightreel.+"})');
    const there = counts.split('\n').map((line) =>
      line
        .match(/__name__="([\w:]+)"|^([\w:]+)/)
        ?.slice(1)
        .join(''),
    );
    expect(metricsIn([...rules.map(({ expr }) => expr), ...panels]).filter((name) => !there.includes(name))).toEqual(
      [],
    );

    // While it ran it was seen to be on its way; now nobody speaks for it.
    const ran = 'max_over_time(nightreel_batch_progress_ratio{campaign="card"}[5m]) >= 0';
    expect(await prometheus.value(ran)).toEqual(expect.any(Number));
    expect(await prometheus.value('nightreel_batch_progress_ratio{campaign="card"}')).toBeNaN();

    const ofTemporal = await (await fetch(`http://127.0.0.1:${temporalPort}/metrics`)).text();
    for (const name of [
      'temporal_activity_schedule_to_start_latency_seconds_count',
      'temporal_worker_task_slots_available',
    ])
      expect(ofTemporal).toMatch(new RegExp(`^${name}\\{.*task_queue="render".*\\} \\d`, 'm'));
    const own = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    for (const personal of ['Wilhelmina', 'Thrower', 'r-1', 'r-2']) expect(own + ofTemporal).not.toContain(personal);
    for (const [scraped, names, mostSeries] of [
      [own, LABELS, 400],
      [ofTemporal, TEMPORAL_LABELS, 1_000],
    ] as const) {
      const labels = labelsIn(scraped);
      expect(labels.series).toBeGreaterThan(100);
      expect(labels.series).toBeLessThan(mostSeries);
      expect(labels.names.filter((name) => !names.includes(name))).toEqual([]);
      // A key, a digest, the ID of a run or a workflow.
      expect(labels.values.filter((value) => /[0-9a-f]{8}|\d{4}-\d\d|[/@]/i.test(value))).toEqual([]);
    }
  },
  3 * MINUTE,
);

const LABELS = ['campaign', 'class', 'le', 'outcome', 'part', 'queue', 'reason', 'result', 'stage', 'state'];
/** Those of Temporal's SDK: types, queues and requests that there are. */
const TEMPORAL_LABELS = [
  ...['activity_type', 'eager', 'failure_reason', 'le', 'namespace', 'operation', 'poller_type', 'service_name'],
  ...['slot_supplier_type', 'status_code', 'task_queue', 'worker_type', 'workflow_type'],
];

/** Of all series but `target_info`, which says of which process they are: how many there are, the names of their labels, and the values. */
function labelsIn(scraped: string) {
  const series = scraped.split('\n').filter((line) => line !== '' && !/^(#|target_info)/.test(line));
  const pairs = series.flatMap((line) => [...line.matchAll(/[{,](\w+)="((?:[^"\\]|\\.)*)"/g)]);
  const distinct = (at: 1 | 2): string[] => [...new Set(pairs.map((pair) => pair[at] ?? ''))];
  return { series: series.length, names: distinct(1), values: distinct(2) };
}
