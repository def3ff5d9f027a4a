/**
 * docker-compose.yml, run: its processes with their commands and their environment, and a small batch through all of them. With Temporal on
 * its Postgres where `npm run test:compose` has built its server, else with the development server.
 */

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freshCompose } from '../support/compose.ts';
import { ComposeProcesses, TEMPORAL_SERVER } from '../support/compose-processes.ts';
import { lastJson, until } from '../support/nightreel.ts';

const MINUTE = 60_000;
const PEOPLE = 2;

let processes: ComposeProcesses;

beforeAll(async () => {
  processes = await ComposeProcesses.up({
    compose: await freshCompose(),
    isTemporalOnPostgres: existsSync(TEMPORAL_SERVER),
  });
}, 5 * MINUTE);
afterAll(async () => await processes?.[Symbol.asyncDispose](), 2 * MINUTE);

test(
  'a batch of the Postgres warehouse goes through both workers into the bucket, and everybody may read its report',
  async () => {
    const ran = await processes.exec('orchestrator', [
      ...['bin/nightreel', 'run', 'referral', '--recipients', String(PEOPLE), '--json'],
    ]);
    const { rendered, failed, recipients, pointers, report } = lastJson(ran);
    expect({ failed, recipients, pointers }).toEqual({ failed: 0, recipients: PEOPLE, pointers: PEOPLE });
    expect(rendered).toBeGreaterThan(0);

    // The identity `anonymous` reads reports, and lists nothing.
    const bucket = String(report).replace(/batches\/.*/, '');
    const [page, list] = await Promise.all([fetch(String(report)), fetch(bucket)]);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<html')]);
    expect(list.status).toBe(403);

    const told = () => processes.collector.spans().some(({ name }) => name === 'render variant') || null;
    await until(async () => told(), 'the traces of the render worker');
  },
  4 * MINUTE,
);
