/** The traces of a night: one for each variant, linked to the batch's; and nights whose collector is of no use. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestCollector } from '../support/collector.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { byTrace, drawn, type ReceivedSpan } from '../support/spans.ts';

const MINUTE = 60_000;

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
async function night(people: readonly string[], variables: Readonly<Record<string, string>>): Promise<Night> {
  const csv = join(home.folder, 'users.csv');
  const rows = people.map((name, at) => `r-47${at},${name},${at},98765`);
  await writeFile(csv, ['recipient_id,name,referralCount,earnings', ...rows, ''].join('\n'));
  const serving = home.start(['serve', '--workers', '1'], variables);
  serving.stdout?.resume();
  if (serving.stderr === null) throw new TypeError('the worker has no stderr');
  const said = text(serving.stderr);
  try {
    const run = await home.run(['run', 'card', '--csv', csv, '--json']);
    return { summary: lastJson(run.stdout), ...(await stopped()) };
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

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span '${name}' among ${spans.map((span) => span.name).join(', ')}`);
  return found;
};

describe('a night of three, of whom one fails', () => {
  let traces: ReadonlyMap<string, readonly ReceivedSpan[]>;
  let variants: (readonly ReceivedSpan[])[];
  let log: Night['log'];

  beforeAll(async () => {
    await using collector = await TestCollector.start();
    const done = await night(['Wilhelmina', 'Thrower', 'Bo'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    expect(done.summary).toMatchObject({ rendered: 2, failed: 1 });
    log = done.log;
    traces = byTrace(collector.spans());
    variants = [...traces.values()].filter((spans) => rootOf(spans).name === 'RunWorkflow:renderVariant');
  }, 5 * MINUTE);

  test('dump', () => {
    for (const spans of traces.values()) console.log(drawn(spans).join('\n'), rootOf(spans));
    console.log(log.filter(({ msg }) => String(msg).includes('ailed')));
  });
});
