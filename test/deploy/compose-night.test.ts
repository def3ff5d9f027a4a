/**
 * docker-compose.yml, run: its processes with their commands and their environment, and a small batch through all of them. With Temporal on
 * its Postgres where `npm run test:compose` has built its server, else with the development server.
 */

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freshCompose } from '../support/compose.ts';
import { ComposeProcesses, TEMPORAL_SERVER } from '../support/compose-processes.ts';
import { lastJson } from '../support/nightreel.ts';

const MINUTE = 60_000;
const PEOPLE = 3;

let processes: ComposeProcesses;

beforeAll(async () => {
  processes = await ComposeProcesses.up({
    compose: await freshCompose(),
    isTemporalOnPostgres: existsSync(TEMPORAL_SERVER),
  });
}, 5 * MINUTE);
afterAll(async () => await processes?.[Symbol.asyncDispose](), 2 * MINUTE);

test(
  'a batch of the Postgres warehouse goes through both workers into the bucket, and everybody may watch it',
  async () => {
    const ran = await processes.exec('orchestrator', [
      ...['bin/nightreel', 'run', 'referral', '--recipients', String(PEOPLE), '--json'],
    ]);
    const { rendered, failed, recipients } = lastJson(ran);
    expect({ rendered, failed, recipients }).toEqual({ rendered: expect.any(Number), failed: 0, recipients: PEOPLE });
    expect(rendered).toBeGreaterThan(0);
  },
  4 * MINUTE,
);
