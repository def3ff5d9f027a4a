/** A night with payload encryption, by the commands that people use: none of them needs to know. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readPayloadKeys } from '../../src/config/payload-keys.ts';
import { EncryptingCodec } from '../../src/encryption/payload-codec.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;

let home: TestHome;
let probe: NightProbe;
let worker: Worker;
let environment: Record<string, string>;

beforeAll(async () => {
  home = await TestHome.create();
  const file = join(home.folder, 'keys.json');
  environment = { NIGHTREEL_PAYLOAD_KEYS_FILE: file };
  await home.run(['codec', 'new-key', '--file', file, '--use']);
  await home.run(['up']);
  probe = await NightProbe.connect(home, [new EncryptingCodec(await readPayloadKeys(environment))]);
  worker = Worker.start(home, [], environment);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
}, MINUTE);

test(
  'run, why, backfill and schedule do what they do without it, and no payload in any history is plain',
  async () => {
    const nightreel = (...args: string[]) => home.run(args, environment);
    const csv = join(home.folder, 'people.csv');
    await writeFile(csv, 'recipient_id,name,referralCount,earnings\nr1,Guest,1,10\nr2,Thrower,2,20\n');
    const night = await nightreel('run', 'card', '--csv', csv, '--date', '2026-03-02', '--json');
    expect(night.code).toBe(4);
    expect(lastJson(night.stdout)).toMatchObject({ variants: 2, rendered: 1, failed: 1, pointers: 1 });

    const [failed] = await probe.failedVariants('2026-03-02');
    expect(failed).toMatchObject({ failureClass: 'TemplateCrashed' });
    const why = await nightreel('why', failed?.key ?? '');
    expect(why).toMatchObject({ code: 0, stdout: expect.stringContaining('TemplateCrashed') });
    expect(why.stdout).not.toContain('Encoded failure');
    expect((await nightreel('backfill', 'card', '--date', '2026-03-02', '--json')).code).toBe(4);
    expect((await nightreel('schedule', 'apply', 'card')).code).toBe(0);
    expect((await nightreel('schedule', 'list')).stdout).toContain('card');

    expect(await probe.encodings()).toEqual(['binary/encrypted']);
    expect((await probe.histories()).map(({ text }) => text).join('\n')).not.toMatch(/email-480p|batches\/card/);

    const blind = await home.run(['run', 'card', '--csv', csv, '--date', '2026-03-02']);
    expect(blind).toMatchObject({ code: 3, stderr: expect.stringContaining('(PayloadUnreadable)') });
  },
  2 * MINUTE,
);
