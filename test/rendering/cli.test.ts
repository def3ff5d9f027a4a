import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { descendantsOf, isAlive, nightreel, ROOT, until } from './support.ts';

const TINY = join(ROOT, 'test/fixtures/templates/tiny');
let folder: string;
let out: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-render-'));
  out = join(folder, 'v.mp4');
});
afterAll(() => rm(folder, { recursive: true }));

test('render writes the file, and says as its last line what is in it', async () => {
  const params = join(folder, 'p.json');
  await writeFile(params, '{"name":"Łukasz"}');
  const { code, stdout } = await nightreel([
    'render',
    TINY,
    '--params',
    params,
    '--out',
    out,
    '--rendition',
    'email-480p',
    '--json',
  ]);
  expect(code).toBe(0);
  const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(said).toMatchObject({
    out,
    template: 'tiny',
    rendition: 'email-480p',
    width: 854,
    height: 480,
    frameCount: 64,
    durationMs: 2000,
  });
  expect((await readFile(out)).byteLength).toBe(said.sizeBytes);
  expect(stdout).toContain(`sha256 ${said.sha256}`);
  await rm(out);
});

describe('bad input is refused with exit code 2 and one message, and nothing is written', () => {
  test.each([
    [['render', 'nobody'], /There is no template 'nobody': .*referral/],
    [
      ['render', TINY, '--params', '{"name":"","age":3}'],
      /of --params do not fit template 'tiny':\n {2}\/ must not have 'age'\n {2}\/name must NOT have fewer than 1 characters/,
    ],
    [['render', TINY, '--params', '{"name"'], /The params of --params are not JSON/],
    [['render', TINY, '--params', '/nowhere/p.json'], /\/nowhere\/p\.json cannot be read/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await nightreel([...args, '--out', out]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(await readdir(folder)).not.toContain('v.mp4');
  });
});

test('what a template threw is shown in its own words, in one line', async () => {
  const throws = join(ROOT, 'test/fixtures/templates/throws-in-seek');
  const { code, stderr } = await nightreel(['render', throws, '--out', out]);
  expect(code).toBe(2);
  expect(stderr.trim().split('\n').at(-1)).toMatch(
    /^nightreel: Template 'throws-in-seek' threw RangeError at frame 20 of 64, at seek \(index\.html:26:\d+\)\. Detail: RangeError: the odometer has no digits left \(TemplateCrashed\)$/,
  );
});

test('Ctrl-C ends every process, leaves no file, and exits with 130', async () => {
  const child = spawn(join(ROOT, 'bin/nightreel'), ['render', TINY, '--out', out, '--rendition', 'web-1080p'], {
    stdio: 'ignore',
  });
  const pid = child.pid ?? 0;
  // Not the start's own trial of the encoder, which is smaller: level 4 begins at 1080p.
  const encoder = /matroska.*libx264.*-level:v:0 4/;
  await until('an encoder', () => [...descendantsOf(pid).values()].some((command) => encoder.test(command)));
  const processes = [...descendantsOf(pid).keys()];
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect(code).toBe(130);
  expect(processes.filter(isAlive)).toEqual([]);
  expect((await readdir(folder)).filter((name) => name === 'v.mp4' || name.endsWith('.partial'))).toEqual([]);
});
