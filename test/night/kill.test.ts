/** Processes die in the middle of a night: it completes, every video is stored once, and no process is left over. */

import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ownedRoot } from '../../src/machine/owned-folders.ts';
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

/** What a render is made of. */
const PROGRAMS = [/--type=renderer/, /Xvfb/, /libx264/];

/** Processes of this home that run one of those, once each of them is there. */
const rendering = async (): Promise<number[] | null> => {
  const found = [...(await home.processes())];
  const pids = PROGRAMS.map((program) => found.filter(([, command]) => program.test(command)).map(([pid]) => pid));
  return pids.every((some) => some.length > 0) ? pids.flat() : null;
};

/** Profiles of browsers and framebuffers of displays that a process has made. */
const foldersOf = async (pid: number): Promise<string[]> => {
  const roots = [ownedRoot(tmpdir(), 'browsers'), ...['/dev/shm', tmpdir()].map((base) => ownedRoot(base, 'displays'))];
  const names = await Promise.all(roots.map((root) => readdir(root).catch((): string[] => [])));
  return names.flat().filter((name) => name.includes(`-${pid}-`));
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
    process.kill(await until(() => pidOf(/--type=renderer/), 'a page of Chromium'), 'SIGKILL');
    await until(() => stored(8), 'eight videos');
    const before = await probe.versions('videos/');
    const worker = await until(() => pidOf(/main\.ts serve/), 'the worker');
    const programs = await until(rendering, 'a browser, a display and an encoder');
    expect((await foldersOf(worker)).length).toBeGreaterThan(0);
    process.kill(worker, 'SIGKILL');
    const areGone = async (): Promise<true | null> => {
      const living = await home.processes();
      return programs.some((pid) => living.has(pid)) ? null : true;
    };
    await until(areGone, 'the end of what the worker had started', 10_000);

    const { code, stdout, stderr } = await night;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const { variants, rendered, failed, recipients, pointers } = lastJson(stdout) as Record<string, number>;
    expect({ rendered, failed, pointers }).toEqual({ rendered: variants, failed: 0, pointers: recipients });
    expect(await stored(0)).toHaveLength(variants ?? 0);
    expect(await probe.versions('videos/')).toMatchObject(before);

    const left = [...(await home.processes()).values()].filter((command) => !/temporal|weed/.test(command));
    expect(left).toEqual([]);
    // The worker that took its place has removed them.
    expect(await foldersOf(worker)).toEqual([]);
  },
  4 * MINUTE,
);

test(
  'Ctrl-C ends the demo with its worker and browsers, and cancels the batch',
  async () => {
    const child = home.start(['demo', '--campaign', 'card', '--recipients', '2000', '--workers', '1']);
    const night = finished(child);
    await until(() => pidOf(/--type=renderer/), 'a page of Chromium');
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
