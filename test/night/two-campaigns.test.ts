/** Several campaigns on one set of workers: a huge one does not keep a small one waiting, a deleted one fails alone. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { FIXTURE_PROJECT, TestHome, until } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;
const HUGE = 120;

let project: string;
let home: TestHome;
let probe: NightProbe;
let worker: Worker;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-campaigns-'));
  await cp(FIXTURE_PROJECT, project, { recursive: true });
  const card = await readFile(join(project, 'campaigns/card.yaml'), 'utf8');
  // Everything is in flight at once, so that all of it waits for the one browser before the small campaign comes.
  await writeFile(
    join(project, 'campaigns/huge.yaml'),
    card.replace(/^lanes:.*$/m, 'lanes: { count: 2, window: 100 }'),
  );
  home = await TestHome.create(project);
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  worker = Worker.start(home, ['--workers', '1']);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
  await rm(project, { recursive: true });
}, 2 * MINUTE);

const variantsOf = async (campaign: string, status: string): Promise<number> =>
  (
    await probe.workflowIds(
      `WorkflowType = 'renderVariant' AND CampaignId = '${campaign}' AND ExecutionStatus = '${status}'`,
    )
  ).length;

test(
  'a small campaign that comes late is done long before the huge one ahead of it',
  async () => {
    const people = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}`, name: `${name} ${n}` }));
    const businessDate = '2026-03-02';
    const huge = await probe.startCsvNight({ campaign: 'huge', businessDate }, people('Huge', HUGE));
    await until(async () => ((await variantsOf('huge', 'Running')) > HUGE * 0.7 ? true : null), 'the huge campaign');
    const small = await probe.startCsvNight({ campaign: 'card', businessDate }, people('Small', 4));
    expect(await probe.resultOf(small.workflowId)).toMatchObject({ rendered: 4, failed: 0 });
    // Each in its turn: some four of the other's, and what was made before the small one had planned.
    expect(await variantsOf('huge', 'Running')).toBeGreaterThan(HUGE / 3);
    expect(await probe.resultOf(huge.workflowId)).toMatchObject({ rendered: HUGE, failed: 0 });
  },
  4 * MINUTE,
);

test(
  'the schedule of a campaign whose file was deleted starts a night that fails and says so',
  async () => {
    await home.run(['schedule', 'apply', 'huge']);
    await rm(join(project, 'campaigns/huge.yaml'));
    expect((await home.run(['schedule', 'trigger', 'huge'])).code).toBe(0);
    const query = "WorkflowType = 'nightlyBatch' AND CampaignId = 'huge' AND WorkflowId STARTS_WITH 'batch/huge-'";
    const night = await until(async () => (await probe.workflowIds(query))[0] ?? null, 'the night of nobody');
    await expect(probe.resultOf(night)).rejects.toMatchObject({
      cause: { cause: { type: 'CampaignInvalid', message: expect.stringContaining("no campaign 'huge'") } },
    });
    expect((await home.run(['schedule', 'delete', 'huge'])).code).toBe(0);
  },
  MINUTE,
);
