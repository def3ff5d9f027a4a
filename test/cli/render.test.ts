/** `nightreel render` beyond one file: several files of one capture, and the same render twice. */

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { assertWritable, renderFiles, writeWhole } from '../../src/cli/render-files.ts';
import { differingFrames, framesText } from '../../src/cli/video-difference.ts';
import { findTools } from '../../src/config/tools.ts';
import { createOwned } from '../../src/machine/owned-folders.ts';
import { nightreel, ROOT } from '../rendering/support.ts';
import { finished, lastJson } from '../support/nightreel.ts';

const TINY = join(ROOT, 'test/fixtures/templates/tiny');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

test('one capture gives a file per rendition, a poster and a preview, and JSON names them all', async () => {
  const out = join(folder, 'all-{rendition}.mp4');
  const [poster, preview] = [join(folder, 'all.jpg'), join(folder, 'all.webp')];
  const files = ['--out', out, '--rendition', 'email-480p,phone-720p', '--poster', poster, '--preview', preview];
  const { code, stdout } = await nightreel(['render', TINY, ...files, '--json']);
  expect(code).toBe(0);
  const said = lastJson(stdout);
  const [small, large] = ['email-480p', 'phone-720p'].map((id) => out.replace('{rendition}', id));
  expect(said).toMatchObject({
    ...{ template: 'tiny', frameCount: 64, durationMs: 2000, poster, preview },
    videos: [
      { out: small, rendition: 'email-480p', width: 854, height: 480, sha256: await sha256(small ?? '') },
      { out: large, rendition: 'phone-720p', width: 1280, height: 720, sha256: await sha256(large ?? '') },
    ],
  });
  expect(await sharp(poster).metadata()).toMatchObject({ format: 'jpeg', width: 1280, height: 720 });
  expect(await sharp(preview, { animated: true }).metadata()).toMatchObject({ format: 'webp', width: 320 });
  expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
}, 120_000);

describe('what cannot be written is refused with exit code 2 before anything is rendered', () => {
  test.each([
    [[], /required option '--out <file>'/],
    [['--out', 'v.mp4', '--rendition', 'email-480p,phone-720p'], /--out must hold \{rendition\}/],
    [['--out', 'v.mp4', '--rendition', 'email-480p,email-480p'], /each once/],
    [['--out', 'v.mp4', '--rendition', 'cinema-8k'], /must be one of email-480p/],
    [['--out', 'v.mp4', '--poster', 'v.png'], /--poster writes a JPEG/],
    [['--out', 'v.mp4', '--preview', 'v.mov'], /must end with \.gif or \.webp/],
    [['--out', 'v.gif', '--preview', 'v.gif'], /the same name/],
    [['--out', 'v.mp4', '--capture', 'camera'], /must be one of auto, xvfb/],
    [['--out', 'v.mp4', '--encoder', 'av1'], /must be one of x264/],
  ])('%j', async (args, sentence) => {
    const { code, stderr, stdout } = await nightreel(['render', TINY, ...args], folder);
    expect({ code, stderr, stdout }).toEqual({ code: 2, stderr: expect.stringMatching(sentence), stdout: '' });
    expect(await readdir(folder)).not.toContain('v.mp4');
  });
});

describe('a place that takes no file ends with exit code 3 and says why', () => {
  test.each([
    ['no/such/folder/v.mp4', /the folder does not exist/],
    [`${'x'.repeat(252)}.mp4`, /the name is too long/],
    [`${TINY}/template.json/v.mp4`, /part of the path is not a folder/],
  ])('%s', async (out, sentence) => {
    const { code, stderr } = await nightreel(['render', TINY, '--out', out], folder);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(sentence) });
  });

  test('a name as long as a name may be is taken', async () => {
    const path = join(folder, `${'x'.repeat(251)}.mp4`);
    await assertWritable(path);
    await writeWhole(new Map([[path, Buffer.from('whole')]]));
    expect(await readFile(path, 'utf8')).toBe('whole');
    await rm(path);
  });

  // Not every machine has room in /dev/shm for what is made there otherwise.
  test('a folder for temporary files that is none', async () => {
    await expect(createOwned(join(TINY, 'template.json'))).rejects.toMatchObject({
      failureClass: 'EnvironmentInvalid',
      message: expect.stringMatching(/^No temporary folder .* TMPDIR/),
    });
  });
});

test('Ctrl-C ends a render that waits for its params', async () => {
  const args = ['render', TINY, '--params', '-', '--out', join(folder, 'never.mp4')];
  // It says nothing before it reads: one that was asked before it listened just dies, and another is given more time.
  for (let afterMs = 1_000; ; afterMs *= 2) {
    const child = spawn(join(ROOT, 'bin/nightreel'), args, { stdio: 'pipe' });
    const ending = finished(child);
    const asking = setTimeout(() => child.kill('SIGINT'), afterMs);
    const { code, stderr } = await ending.finally(() => clearTimeout(asking));
    if (code === null && afterMs < 10_000) continue;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('no file was written') });
    return;
  }
});

test('one rendition may have its name in the place of {rendition} too', () => {
  const wanted = { out: '/x/{rendition}/{rendition}.mp4', renditions: ['web-1080p'] as const };
  expect(renderFiles({ ...wanted, poster: '/x/p.JPG', preview: '/x/p.GIF' })).toEqual({
    renditions: ['web-1080p'],
    videos: ['/x/web-1080p/web-1080p.mp4'],
    poster: '/x/p.JPG',
    preview: { path: '/x/p.GIF', format: 'gif' },
  });
});

test('--verify-determinism renders in two processes, finds the same bytes and writes nothing', async () => {
  const args = [
    'render',
    TINY,
    '--params',
    '{"name":"Łukasz"}',
    '--rendition',
    'email-480p',
    '--capture',
    'screenshot',
  ];
  const before = await readdir(folder);
  const { code, stdout } = await nightreel([...args, '--verify-determinism', '--json'], folder);
  expect(code).toBe(0);
  const said = lastJson(stdout);
  expect(said).toMatchObject({
    ...{ out: null, captureRoute: 'screenshot' },
    determinism: {
      equal: true,
      engines: [said['engine'], said['engine']],
      videos: [{ rendition: 'email-480p', sha256: [said['sha256'], said['sha256']], equal: true }],
    },
  });
  expect(stdout).toContain(`the same bytes in both processes, sha256 ${said['sha256']}`);
  expect(await readdir(folder)).toEqual(before);
}, 120_000);

test('--verify-determinism ends with 1 and names the frames when a program does not do the same twice', async () => {
  const { ffmpeg } = findTools();
  const fickle = join(folder, 'ffmpeg');
  // The second process works in a folder of its own: there it encodes a little less finely.
  const lines = [
    '#!/bin/bash',
    'args=("$@")',
    `for i in "\${!args[@]}"; do`,
    `  if [[ "\${args[i]}" == -qp:v:0 && $PWD != '${folder}' ]]; then args[i+1]=30; fi`,
    'done',
    `exec ${ffmpeg} "\${args[@]}"`,
  ];
  await writeFile(fickle, `${lines.join('\n')}\n`, { mode: 0o755 });
  const child = spawn(
    join(ROOT, 'bin/nightreel'),
    ['render', TINY, '--rendition', 'email-480p', '--verify-determinism', '--json'],
    {
      cwd: folder,
      env: { ...process.env, NIGHTREEL_FFMPEG: fickle },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const { code, stdout, stderr } = await finished(child);
  expect({ code, last: stderr.trim().split('\n').at(-1) }).toEqual({
    code: 1,
    last: expect.stringMatching(/^nightreel: email-480p differs in \d+ of 64 pictures: frames? \d+.*the same twice\.$/),
  });
  expect(lastJson(stdout)).toMatchObject({ determinism: { equal: false, videos: [{ equal: false }] } });
}, 120_000);

/** Only root may become somebody else, and that one must be able to read the project. */
const NOBODY = { uid: 65534, gid: 65534 };
const canBeNobody = (): boolean => {
  try {
    execFileSync('test', ['-r', join(TINY, 'index.html')], NOBODY);
    return true;
  } catch {
    return false;
  }
};

(canBeNobody() ? test : test.skip)(
  'another user, with another home, gets the same bytes',
  async () => {
    const own = await mkdtemp(join(tmpdir(), 'nightreel-nobody-'));
    try {
      await chown(own, NOBODY.uid, NOBODY.gid);
      const args = ['render', TINY, '--rendition', 'email-480p', '--json', '--out'];
      const mine = await nightreel([...args, join(folder, 'mine.mp4')]);
      const child = spawn(join(ROOT, 'bin/nightreel'), [...args, join(own, 'theirs.mp4')], {
        ...NOBODY,
        cwd: own,
        env: { ...process.env, HOME: own },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const theirs = await finished(child);
      expect({ code: theirs.code, mine: mine.code }).toEqual({ code: 0, mine: 0 });
      const { sha256: digest, engine } = lastJson(mine.stdout);
      expect(lastJson(theirs.stdout)).toMatchObject({ sha256: digest, engine });
    } finally {
      await rm(own, { recursive: true });
    }
  },
  120_000,
);

describe('frames that differ', () => {
  test('are those with another digest, and those that only one video has', () => {
    expect(differingFrames(['a', 'b', 'c'], ['a', 'x', 'c', 'd'])).toEqual([1, 3]);
    expect(differingFrames(['a', 'b'], ['a', 'b'])).toEqual([]);
  });

  test('are told as ranges, and not without end', () => {
    expect(framesText([3, 7, 8, 9, 40])).toBe('3, 7–9, 40');
    expect(framesText(Array.from({ length: 50 }, (_, i) => i * 2))).toMatch(/^0, 2, .*, 22, …$/);
  });
});
