/** What the rules and the routing of deploy/observability do, and that what they ask for exists. That the files are valid: test/deploy/observability.test.ts. */

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ONE_OF_MANY } from '../../src/contracts/spans.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import { metricsIn, OBSERVABILITY, panelExpressions, ruleExpressions } from '../support/observability.ts';

const run = promisify(execFile);
const at = { cwd: OBSERVABILITY };

describe('the rules', () => {
  test('fire when they should, and not when they should not', async () => {
    const tests = (await readdir(OBSERVABILITY)).filter((name) => name.endsWith('.test.yml'));
    await run('promtool', ['test', 'rules', ...tests], at);
    const played = (await Promise.all(tests.map((name) => readFile(join(OBSERVABILITY, name), 'utf8')))).join('\n');
    for (const { alert } of await ruleExpressions())
      if (alert !== null) expect(played).toMatch(new RegExp(`alertname: ${alert}\\n +exp_alerts:`));
  });

  test('each alert has a section that says what to do', async () => {
    const page = await readFile(join(OBSERVABILITY, '../../docs/observability.md'), 'utf8');
    const sections = [...page.matchAll(/^### (Nightreel\w+)$/gm)].map(([, name]) => name);
    const alerts = (await ruleExpressions()).flatMap(({ alert }) => alert ?? []);
    expect(sections).toEqual(alerts);
  });
});

test('who is woken and who is told', async () => {
  const routes = ['config', 'routes', 'test', '--config.file=alertmanager.yml'];
  const [page, ticket] = await Promise.all(
    ['page', 'ticket'].map(async (severity) => (await run('amtool', [...routes, `severity=${severity}`], at)).stdout),
  );
  expect([page?.trim(), ticket?.trim()]).toEqual(['on-call', 'team']);
});

test('the collector keeps batches, failures and outliers of all traces', async () => {
  const { receivers, processors } = parse(await readFile(join(OBSERVABILITY, 'collector.yml'), 'utf8'));
  expect(receivers.otlp.protocols.http.endpoint).toMatch(/:4318$/);
  const { policies } = processors.tail_sampling;
  expect(policies.map(({ type }: { readonly type: string }) => type)).toEqual([
    ...['ottl_condition', 'status_code', 'latency', 'probabilistic'],
  ]);
  for (const policy of policies) expect(Object.keys(policy)).toEqual(['name', 'type', policy.type]);
  expect(policies[0].ottl_condition.span).toEqual([`not IsMatch(span.trace_state, "${ONE_OF_MANY}=")`]);
});

test('every metric of a rule or a panel can be scraped, and every metric that can be is documented', async () => {
  const port = await new PortChooser().choose();
  const { stdout } = await run(process.execPath, [resolve(import.meta.dirname, 'emit.ts')], {
    env: { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port) },
  });
  const { scraped } = JSON.parse(stdout) as { readonly scraped: string };
  const rules = await ruleExpressions();
  const known = new Set([...scraped.matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name));
  for (const { record } of rules) if (record !== null) known.add(record);
  const used = metricsIn([...rules.map(({ expr }) => expr), ...(await panelExpressions())]);
  expect(used.length).toBeGreaterThan(15);
  expect(used.filter((name) => !known.has(name))).toEqual([]);

  const page = await readFile(join(OBSERVABILITY, '../../docs/observability.md'), 'utf8');
  const families = [...scraped.matchAll(/^# TYPE (nightreel_\w+)/gm)].flatMap(([, name]) => name ?? []);
  expect(families.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
