/** Processes die in the middle of a night: it completes, every video is stored once, and no process is left over. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { finished, lastJson, TestHome, until } from '../support/nightreel.ts';

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

const pidOf = async (pattern: RegExp): Promise<number | null> => {
  for (const [pid, command] of await home.processes()) if (pattern.test(command)) return pid;
  return null;
};

test(
  'a night in which a Chromium and then the whole worker are killed still stores every video once',
  async () => {
    const night = finished(
      home.start(['demo', '--campaign', 'card', '--recipients', '60', '--workers', '2', '--json']),
    );
    const stored = async (count: number) => {
      const videos = (await probe.keys('videos/')).filter((key) => key.endsWith('.mp4'));
      return videos.length >= count ? videos : null;
    };

    await until(() => stored(3), 'three videos');
    process.kill(await until(() => pidOf(/headless-shell.*--type=renderer/), 'a page of Chromium'), 'SIGKILL');
    await until(() => stored(8), 'eight videos');
    const before = await probe.versions('videos/');
    process.kill(await until(() => pidOf(/main\.ts serve/), 'the worker'), 'SIGKILL');

    const { code, stdout, stderr } = await night;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const { variants, rendered, failed, recipients, pointers } = lastJson(stdout) as Record<string, number>;
    expect({ rendered, failed, pointers }).toEqual({ rendered: variants, failed: 0, pointers: recipients });
    expect(await stored(0)).toHaveLength(variants ?? 0);
    expect(await probe.versions('videos/')).toMatchObject(before);

    const left = [...(await home.processes()).values()].filter((command) => !/temporal|weed/.test(command));
    expect(left).toEqual([]);
  },
  4 * MINUTE,
);

test(
  'Ctrl-C ends the demo with its worker and browsers, and cancels the batch',
  async () => {
    const child = home.start(['demo', '--campaign', 'card', '--recipients', '2000', '--workers', '1']);
    const night = finished(child);
    await until(() => pidOf(/headless-shell.*--type=renderer/), 'a page of Chromium');
    await sleep(3_000);
    child.kill('SIGINT');
    const { code, stderr } = await night;
    expect(code).toBe(130);
    expect(stderr).toContain('run it again');
    const left = [...(await home.processes()).values()].filter((command) => !/temporal|weed/.test(command));
    expect(left).toEqual([]);
    await home.run(['down']);
    expect([...(await home.processes()).values()]).toEqual([]);
  },
  3 * MINUTE,
);
