/** The files of Prometheus, its Alertmanager, Grafana and the collector by their own checkers; each check refuses a broken copy. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PortChooser } from '../../src/stack/ports.ts';
import { type Compose, freshCompose, ROOT } from '../support/compose.ts';
import { observabilityFindings } from '../support/observability-findings.ts';

const run = promisify(execFile);

let work: string;
let compose: Compose;
let series: Set<string>;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'nightreel-deploy-'));
  compose = await freshCompose();
  const port = await new PortChooser().choose();
  const { stdout } = await run(process.execPath, [resolve(import.meta.dirname, '../telemetry/emit.ts')], {
    env: { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port) },
  });
  const { scraped } = JSON.parse(stdout) as { readonly scraped: string };
  series = new Set([...scraped.matchAll(/^(\w+)[{ ]/gm)].map(([, name = '']) => name));
});
afterAll(async () => await rm(work, { recursive: true, force: true }));

test('all of them are right', async () => {
  expect(await observabilityFindings({ folder: join(ROOT, 'deploy'), compose, series })).toEqual([]);
});

const RULES = 'observability/rules.yml';
const DASHBOARD = 'observability/grafana/dashboards/nightreel.json';
const BROKEN: readonly (readonly [file: string, from: string | RegExp, to: string, sentence: string])[] = [
  [RULES, 'sum by (outcome) (increase(', 'sum by (outcome) (increases(', 'unknown function with name "increases"'],
  [RULES, 'for: 5m', 'for: five', 'not a valid duration string: "five"'],
  [RULES, 'labels:', 'label:', 'field label not found'],
  ['observability/prometheus.yml', '- rules.yml', '- rule.yml', 'rule.yml'],
  ['observability/prometheus.yml', 'scrape_interval', 'scrape_every', 'field scrape_every not found'],
  ['observability/alertmanager.yml', 'receiver: on-call', 'receiver: nobody', 'undefined receiver "nobody"'],
  ['observability/alertmanager.yml', 'group_wait: 30s', 'group_wait: soon', 'not a valid duration string: "soon"'],
  [
    'compose/prometheus.yml',
    'names: [orchestrator, render]',
    'names: [orchestrator, renderer]',
    'Prometheus asks renderer:9464, which is no service of docker-compose.yml',
  ],
  [
    'compose/prometheus.yml',
    'port: 9464',
    'port: 9465',
    'Prometheus asks orchestrator:9465, and orchestrator serves nothing at that port',
  ],
  ['compose/prometheus.yml', 'alertmanager:9093', 'alerts:9093', 'Prometheus asks alerts:9093, which is no service'],
  [
    'compose/grafana-datasources.yml',
    'uid: prometheus',
    'uid: metrics',
    'the source prometheus prometheus is not provisioned everywhere',
  ],
  [
    'compose/grafana-datasources.yml',
    'url: http://prometheus:9090',
    'url: prometheus',
    'compose/grafana-datasources.yml: datasources.0.url: Invalid URL',
  ],
  [
    'observability/grafana/provisioning/dashboards/nightreel.yml',
    '/var/lib/grafana/dashboards/nightreel',
    '/dashboards',
    'Grafana looks for dashboards in /dashboards, where docker-compose.yml mounts none',
  ],
  [DASHBOARD, '"panels": [', '"panels": [,', 'nightreel.json is no JSON'],
  [DASHBOARD, '"id": 2,', '"id": 1,', 'nightreel.json: two panels have the id 1'],
  [DASHBOARD, '"type": "stat"', '"type": "statistic"', 'nightreel.json: panels.0.type: Invalid option'],
  [
    DASHBOARD,
    'nightreel:variants:increase1d',
    'nightreel:videos:increase1d',
    'nightreel.json: nightreel:videos:increase1d is no metric and no rule',
  ],
  [DASHBOARD, 'sum(nightreel:variants:increase1d)', 'sum(nightreel:variants:increase1d', 'unclosed left parenthesis'],
  [
    'observability/collector.yml',
    'tail_sampling, batch]',
    'tail_sample, batch]',
    'collector.yml: processors has no tail_sample',
  ],
  [
    'observability/collector.yml',
    /^ {2}otlp_http:/m,
    '  otlphttps:',
    'collector.yml: otlphttps is none of the exporters',
  ],
  [
    'observability/collector.yml',
    'http://traces:4318',
    'http://tempo:4318',
    'collector.yml sends to tempo, which is no service',
  ],
];

test.each(BROKEN)('%s with %s → %s is refused: %s', async (file, from, to, sentence) => {
  const folder = await mkdtemp(join(work, 'deploy-'));
  await cp(join(ROOT, 'deploy'), folder, { recursive: true });
  const text = await readFile(join(folder, file), 'utf8');
  const broken = text.replace(from, to);
  expect(broken).not.toBe(text);
  await writeFile(join(folder, file), broken);
  expect((await observabilityFindings({ folder, compose, series })).join('\n')).toContain(sentence);
});
