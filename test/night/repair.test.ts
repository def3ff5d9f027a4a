/** Variants that failed because of the machine are repaired by one command once the machine is mended. */

import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';

const MINUTE = 60_000;

let home: TestHome;
let probe: NightProbe;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
}, MINUTE);

afterAll(async () => {
  await probe?.close();
  await home?.end();
}, MINUTE);

test(
  'a backfill renders what failed, rewrites the report and settles who was owed a video',
  async () => {
    // An ffmpeg that cannot encode while a file says so: the real one otherwise.
    const broken = join(home.folder, 'broken');
    const ffmpeg = join(home.folder, 'ffmpeg');
    await writeFile(
      ffmpeg,
      `#!/bin/sh
case "$*" in *libx264*) [ -e '${broken}' ] && exit 1 ;; esac
exec '${findTools().ffmpeg}' "$@"
`,
    );
    await chmod(ffmpeg, 0o755);
    const serving = home.start(['serve', '--workers', '2'], { NIGHTREEL_FFMPEG: ffmpeg });
    serving.stdout?.resume();
    serving.stderr?.resume();
    try {
      const csv = join(home.folder, 'users.csv');
      await writeFile(csv, 'recipient_id,name,referralCount,earnings\na,Ada,1,10\nb,Bo,2,20\nc,Cy,3,30\n');
      const args = ['run', 'card', '--csv', csv, '--date', '2026-03-05', '--json'];
      expect((await home.run([...args, '--recipients', '1'])).code).toBe(0);

      await writeFile(broken, '');
      const night = await home.run(args);
      expect(night.code).toBe(4);
      expect(lastJson(night.stdout)).toMatchObject({ variants: 3, cached: 1, rendered: 0, failed: 2, pointers: 1 });
      const batchId = String(lastJson(night.stdout)['batchId']);
      expect(JSON.stringify(await probe.json('state/card.json'))).toContain('EncoderFailed');

      await rm(broken);
      const repair = await home.run(['backfill', 'card', '--date', '2026-03-05', '--json']);
      expect(repair.code).toBe(0);
      expect(lastJson(repair.stdout)).toMatchObject({
        batchId,
        variants: 3,
        cached: 1,
        rendered: 2,
        failed: 0,
        pointers: 3,
      });
      expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ summary: { failed: 0, rendered: 2 } });
      expect((await probe.pointers()).map(({ recipientId }) => recipientId).sort()).toEqual(['a', 'b', 'c']);
      expect(await probe.json('state/card.json')).toMatchObject({ carryOver: [] });
    } finally {
      serving.kill('SIGTERM');
      await new Promise((gone) => serving.once('close', gone));
    }
  },
  4 * MINUTE,
);
