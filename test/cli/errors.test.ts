/** What goes wrong before anything is started: one sentence, the right exit code. No server runs here. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestHome } from '../support/nightreel.ts';

let home: TestHome;

beforeAll(async () => {
  home = await TestHome.create();
});
afterAll(async () => await home.end(), 30_000);

/** An address of this machine where nobody listens. */
const NOBODY = '127.0.0.1:9';
const OWN_S3 = {
  AWS_ENDPOINT_URL_S3: `http://${NOBODY}`,
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'y',
  NIGHTREEL_BUCKET: 'some-bucket',
};
const OWN_TEMPORAL = { TEMPORAL_ADDRESS: NOBODY };

describe('a command that cannot do its work', () => {
  test.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['an unknown command', ['fly'], {}, 2, /unknown command 'fly'/],
    ['a campaign name that is none', ['run', '../etc'], {}, 2, /A campaign is named by/],
    ['a date that is none', ['run', 'card', '--date', '2026-02-30'], {}, 2, /calendar day/],
    ['a count that is none', ['run', 'card', '--recipients', '0'], {}, 2, /whole number from 1/],
    ['an unknown role', ['serve', '--roles', 'render,dance'], {}, 2, /'dance' is not one of/],
    ['no stack and no servers named', ['run', 'card'], {}, 3, /nightreel up/],
    ['an attempt without its date', ['backfill', 'card', '--attempt', '2'], {}, 2, /--attempt goes with --date/],
    ['a campaign to pause that is not named', ['pause'], {}, 2, /name a campaign, or all of them with --all/],
    ['one campaign and all of them', ['stop', 'card', '--all'], {}, 2, /--all goes without a campaign/],
    ['a date of all campaigns', ['resume', '--all', '--date', '2026-03-02'], {}, 2, /--all goes without a campaign/],
    ['a schedule to pause that is not named', ['schedule', 'pause'], {}, 2, /name one campaign, or all of them/],
    [
      'one schedule and all of them',
      ['schedule', 'resume', 'card', '--all'],
      {},
      2,
      /name one campaign, or all of them/,
    ],
    [
      "another campaign's batch",
      ['recipient', 'card', 'u-1', '--batch', 'story/2026-03-02/1'],
      { ...OWN_TEMPORAL, ...OWN_S3 },
      2,
      /of campaign 'story', not of 'card'/,
    ],
    ['an unknown template', ['render', 'nope', '--out', '/tmp/x.mp4'], {}, 2, /there (is|are).*card/i],
    [
      'an unreachable Temporal',
      ['run', 'card'],
      { ...OWN_TEMPORAL, ...OWN_S3 },
      3,
      /No answer from the Temporal server at 127\.0\.0\.1:9\. Start one/,
    ],
    ['an unreachable S3', ['serve'], { ...OWN_TEMPORAL, ...OWN_S3 }, 3, /127\.0\.0\.1:9.*StorageUnavailable/s],
  ])(
    '%s',
    async (_, args, environment, code, sentence) => {
      const run = await home.run(args, environment);
      expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringMatching(sentence) });
      expect(run.stderr).not.toMatch(/\n\s+at /);
      expect(run.stdout).toBe('');
    },
    60_000,
  );

  test('an unknown campaign lists those there are, and a broken one is told with its line', async () => {
    const unknown = await home.run(['run', 'nope'], { ...OWN_TEMPORAL, ...OWN_S3 });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("no campaign 'nope'; there are: card") });

    const project = join(home.folder, 'project');
    await mkdir(join(project, 'campaigns'), { recursive: true });
    await writeFile(join(project, 'campaigns', 'bad.yaml'), 'title: Bad\ntemplate: card\nrendition: 8k\n');
    const broken = await home.run(['run', 'bad'], { ...OWN_TEMPORAL, ...OWN_S3, NIGHTREEL_PROJECT: project });
    expect(broken).toMatchObject({ code: 2, stderr: expect.stringMatching(/bad\.yaml line 3: rendition/) });
  }, 30_000);
});

describe('a demo whose worker cannot start', () => {
  test('says why, ends with the code of the environment, and leaves no process but the servers', async () => {
    const run = await home.run(['demo', '--campaign', 'card'], { NIGHTREEL_FFMPEG: '/nowhere/ffmpeg' });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('NIGHTREEL_FFMPEG is /nowhere/ffmpeg, which is not a program.');
    const left = [...(await home.processes()).values()].filter((command) => !/temporal|weed/.test(command));
    expect(left).toEqual([]);
  }, 60_000);
});
