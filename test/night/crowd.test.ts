/** Videos that very many share: nothing that goes through Temporal, and no manifest page, grows with how many they are. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RECIPIENTS_INLINE } from '../../src/planning/manifest.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;
const CROWD = RECIPIENTS_INLINE + 20;
const UNLUCKY = RECIPIENTS_INLINE + 1;

let home: TestHome;
let probe: NightProbe;
let worker: Worker;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  worker = Worker.start(home, ['--workers', '1']);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

async function night(date: string) {
  const csv = join(home.folder, 'people.csv');
  const rows = [
    ...Array.from({ length: CROWD }, (_, n) => `crowd-${n},Everyone,0,0\n`),
    // The card throws for these.
    ...Array.from({ length: UNLUCKY }, (_, n) => `unlucky-${n},Thrower,1,1\n`),
    ...['a', 'b', 'c'].map((id) => `${id},Person ${id},1,10\n`),
  ];
  await writeFile(csv, `recipient_id,name,referralCount,earnings\n${rows.join('')}`);
  return lastJson((await home.run(['run', 'card', '--csv', csv, '--date', date, '--json'])).stdout);
}

const shown = async (date: string): Promise<number> =>
  (await probe.pointers()).filter(({ businessDate }) => businessDate === date).length;

const isUnlucky = ({ recipientId }: { readonly recipientId: string }): boolean => recipientId.startsWith('unlucky-');

test(
  'everyone of a crowd gets the pointer, tonight and when the video is there already, and is owed one when it failed',
  async () => {
    const tonight = { recipients: CROWD + UNLUCKY + 3, variants: 5, failed: 1, pointers: CROWD + 3 };
    expect(await night('2026-03-02')).toMatchObject({ ...tonight, rendered: 4, cached: 0 });
    expect(await shown('2026-03-02')).toBe(CROWD + 3);
    const { carryOver } = (await probe.json('state/card.json')) as { carryOver: { recipientId: string }[] };
    expect(carryOver.filter(isUnlucky)).toHaveLength(UNLUCKY);

    expect(await night('2026-03-03')).toMatchObject({ ...tonight, rendered: 0, cached: 4 });
    expect(await shown('2026-03-03')).toBe(CROWD + 3);

    const asked = await home.run(['recipient', 'card', `crowd-${CROWD - 1}`, '--json']);
    expect(lastJson(asked.stdout)).toMatchObject({ batch: { batchId: 'card/2026-03-03/1', outcome: 'cached' } });

    // What workflows and activities were given and gave back, whatever it was about.
    const largest = Math.max(...(await probe.payloadSizes()));
    expect(largest).toBeLessThan(4_000);
    for (const date of ['2026-03-02', '2026-03-03']) {
      const [manifest] = await probe.keys(`batches/card/${date}/1/manifest/`);
      expect((await probe.bytes(manifest ?? '')).length).toBeLessThan(4_000);
      expect(await probe.keys(`batches/card/${date}/1/recipients/`)).toHaveLength(2);
    }
  },
  4 * MINUTE,
);
