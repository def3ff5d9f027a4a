/** Variants that failed because of the machine are repaired once the machine is mended, whichever way somebody takes. */

import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';
import { TestWebhook } from '../support/webhook.ts';

const MINUTE = 60_000;
const TOOLS = resolve(import.meta.dirname, '../../.tools');

let home: TestHome;
let probe: NightProbe;
let serving: ChildProcess;
let webhook: TestWebhook;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  // An ffmpeg that cannot encode while a file says so: the real one otherwise.
  const ffmpeg = join(home.folder, 'ffmpeg');
  await writeFile(
    ffmpeg,
    `#!/bin/sh
case "$*" in *libx264*) [ -e '${broken()}' ] && exit 1 ;; esac
exec '${findTools().ffmpeg}' "$@"
`,
  );
  await chmod(ffmpeg, 0o755);
  webhook = await TestWebhook.start();
  serving = home.start(['serve', '--workers', '2'], { NIGHTREEL_FFMPEG: ffmpeg, ...webhooks() });
  serving.stdout?.resume();
  serving.stderr?.resume();
}, MINUTE);

afterAll(async () => {
  serving?.kill('SIGTERM');
  if (serving !== undefined) await once(serving, 'close');
  await probe?.close();
  await home?.end();
  await webhook?.[Symbol.asyncDispose]();
}, 2 * MINUTE);

const webhooks = (): Record<string, string> => ({
  NIGHTREEL_SLACK_WEBHOOK: webhook.url('/slack'),
  NIGHTREEL_WEBHOOK: webhook.url('/own'),
  NIGHTREEL_WEBHOOK_SECRET: 'a secret of a test',
});

const broken = (): string => join(home.folder, 'broken');

async function night(date: string, rows: string, ...more: string[]) {
  const csv = join(home.folder, `${date}.csv`);
  await writeFile(csv, `recipient_id,name,referralCount,earnings\n${rows}`);
  return await home.run(['run', 'card', '--csv', csv, '--date', date, '--json', ...more]);
}

const recipients = async (): Promise<string[]> => (await probe.pointers()).map(({ recipientId }) => recipientId).sort();

test(
  'a backfill renders what failed, rewrites the report and settles who was owed a video',
  async () => {
    const rows = 'a,Ada,1,10\nb,Bo,2,20\nc,Cy,3,30\n';
    expect((await night('2026-03-05', rows, '--recipients', '1')).code).toBe(0);

    await writeFile(broken(), '');
    const failed = await night('2026-03-05', rows);
    expect(failed.code).toBe(4);
    expect(lastJson(failed.stdout)).toMatchObject({ variants: 3, cached: 1, rendered: 0, failed: 2, pointers: 1 });
    const batchId = String(lastJson(failed.stdout)['batchId']);
    expect(JSON.stringify(await probe.json('state/card.json'))).toContain('EncoderFailed');

    await rm(broken());
    const repair = await home.run(['backfill', 'card', '--date', '2026-03-05', '--json']);
    expect(repair.code).toBe(0);
    const repaired = { batchId, variants: 3, cached: 1, rendered: 2, failed: 0, pointers: 3 };
    expect(lastJson(repair.stdout)).toMatchObject(repaired);
    expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ summary: { failed: 0, rendered: 2 } });
    expect(await recipients()).toEqual(['a', 'b', 'c']);
    expect(await probe.json('state/card.json')).toMatchObject({ carryOver: [] });

    // Once more, with nothing left to do.
    const again = await home.run(['backfill', '--batch', batchId, '--json']);
    expect(again.code).toBe(0);
    expect(lastJson(again.stdout)).toMatchObject(repaired);

    // Each of the two batches was posted once, as it was when it closed first.
    expect(webhook.received('/own')).toMatchObject([
      { kind: 'finished', summary: { variants: 1, failed: 0 }, failures: [] },
      { kind: 'finished', summary: { batchId, variants: 3, failed: 2 }, failures: [{ failureClass: 'EncoderFailed' }] },
    ]);
    expect(webhook.received('/slack').map((message) => String(message['text']))).toEqual([
      expect.stringMatching(/^card 2026-03-05: 1 variant rendered in .*, none failed$/),
      expect.stringMatching(/^card 2026-03-05: 0 variants rendered in .*, 1 stored before, 2 failed$/),
    ]);
    const [, first] = webhook.received('/own');
    const { ui } = (first as { readonly failures: readonly { readonly ui: string }[] }).failures[0] ?? { ui: '' };
    expect(decodeURIComponent(ui)).toContain("BatchDate = '2026-03-05' AND FailureClass = 'EncoderFailed'");
    for (const personal of ['Ada', '"Bo"', 'Cy']) expect(JSON.stringify(webhook.posts)).not.toContain(personal);

    const shown = await home.run(['digest', batchId]);
    expect(shown.stdout).toMatch(/^Repaired: of 2 variants that had failed, none is still missing\n/);
    expect(await home.run(['digest', batchId, '--post'])).toMatchObject({
      ...{ code: 3, stderr: expect.stringContaining('There is no webhook to post to.') },
    });
    const posted = await home.run(['digest', batchId, '--post', '--json'], webhooks());
    expect(posted.code).toBe(0);
    expect(lastJson(posted.stdout)).toEqual({
      slack: webhook.received('/slack').at(-1),
      own: webhook.received('/own').at(-1),
      // As it was before this one.
      outbox: { slack: { state: 'posted', at: expect.any(String) }, own: { state: 'posted', at: expect.any(String) } },
    });
    expect(webhook.received('/own')).toHaveLength(3);
    webhook.answers = [404];
    const refused = await home.run(['digest', batchId, '--post'], webhooks());
    expect(refused).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('did not take the digest: it answered 404'),
    });
    expect(refused.stderr).not.toContain(webhook.url(''));
    webhook.answers = [200];
    expect((await home.run(['digest', 'card/2026-03-05/9'])).code).toBe(2);
  },
  4 * MINUTE,
);

test(
  'four failed variants are repaired in four ways: temporal reset, tctl reset, nightreel backfill, tctl start',
  async () => {
    const date = '2026-03-06';
    await writeFile(broken(), '');
    const failed = await night(date, 'p,Pat,4,40\nq,Quinn,5,50\nr,Ray,6,60\ns,Sam,7,70\n');
    expect(lastJson(failed.stdout)).toMatchObject({ variants: 4, rendered: 0, failed: 4, pointers: 0 });
    const batchId = String(lastJson(failed.stdout)['batchId']);
    const batch = { campaign: 'card', businessDate: date, attempt: 1 };
    const lines = await probe.manifestOf(batchId);
    const keyOf = (recipientId: string): string =>
      lines.find((line) => line.recipients.includes(recipientId))?.key ?? 'none';
    await rm(broken());

    const address = ['--address', probe.temporalAddress];
    const reason = ['--reason', 'the encoder is mended'];
    const repairedAlone = async (recipientId: string): Promise<void> => {
      const query = `WorkflowId = 'variant/card/${date}/${keyOf(recipientId)}'`;
      await until(async () => ((await probe.statuses(query)).includes('COMPLETED') ? true : null), recipientId);
    };
    const variant = (recipientId: string): string => `variant/card/${date}/${keyOf(recipientId)}`;
    await promisify(execFile)(join(TOOLS, 'bin/temporal'), [
      ...['workflow', 'reset', ...address, '--workflow-id', variant('p')],
      ...['--type', 'FirstWorkflowTask', ...reason],
    ]);
    await repairedAlone('p');
    const tctl = (...args: string[]) => promisify(execFile)(join(TOOLS, 'tctl/tctl'), [...address, ...args]);
    const runId = await probe.runIdOf(variant('q'));
    await tctl(
      ...['workflow', 'reset', '--workflow_id', variant('q'), '--run_id', runId],
      ...['--reset_type', 'FirstWorkflowTask', ...reason],
    );
    await repairedAlone('q');
    // Pointers included, though the batch has closed.
    expect(await recipients()).toEqual(expect.arrayContaining(['p', 'q']));

    const list = join(home.folder, 'keys.txt');
    await writeFile(list, `${'f'.repeat(64)}\n`);
    for (const [args, sentence] of [
      [['--batch', `card/${date}/9`], /There is no batch card\/2026-03-06\/9/],
      [['--batch', batchId, '--class', 'Nope'], /must be one of/],
      [['--batch', batchId, '--variants', list], /1 of the listed variants are not in batch/],
      [['--batch', batchId, '--variants', join(home.folder, 'none')], /cannot be read/],
      [['--batch', 'card'], /named as in its report/],
      [['card', '--batch', batchId], /leave those out/],
      [['card', '--window', '501'], /from 1 to 500/],
      [[], /name a campaign/],
    ] as const) {
      expect(await home.run(['backfill', ...args])).toMatchObject({ code: 2, stderr: expect.stringMatching(sentence) });
    }
    const other = await home.run(['backfill', '--batch', batchId, '--class', 'BrowserHung', '--json']);
    // Nothing failed so; what was reset counts as repaired from now on.
    expect(lastJson(other.stdout)).toMatchObject({ rendered: 2, failed: 2, pointers: 2 });
    expect(other.code).toBe(4);
    await writeFile(list, `${variant('r')}\n`);
    const one = await home.run(['backfill', '--batch', batchId, '--variants', list, '--json']);
    expect(lastJson(one.stdout)).toMatchObject({ rendered: 3, failed: 1, pointers: 3 });

    const workflowId = `backfill/${batchId}`;
    await tctl(
      ...['workflow', 'start', '--taskqueue', 'orchestrator', '--workflow_type', 'backfillVariants'],
      ...['--workflow_id', workflowId, '--execution_timeout', '3600', '--input', JSON.stringify({ batch })],
    );
    expect(await probe.resultOf(workflowId)).toMatchObject({ batchId, rendered: 4, failed: 0, pointers: 4 });
    expect(await recipients()).toEqual(['a', 'b', 'c', 'p', 'q', 'r', 's']);
    expect(await probe.json('state/card.json')).toMatchObject({ carryOver: [] });

    // By hand, of a batch that was never planned.
    await probe.startWorkflow('backfillVariants', 'by-hand', { batch: { ...batch, attempt: 7 } });
    await expect(probe.resultOf('by-hand')).rejects.toMatchObject({ cause: { cause: { type: 'CampaignInvalid' } } });
  },
  5 * MINUTE,
);
