/** `nightreel init`: a template of one's own, from one that comes with Nightreel. */

import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTemplate, withId } from '../../src/templates/start-template.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { nightreel, ROOT } from '../rendering/support.ts';
import { lastJson } from '../support/nightreel.ts';

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-project-'));
});
afterAll(() => rm(project, { recursive: true }));

async function inProject(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, NIGHTREEL_PROJECT: project };
  const running = promisify(execFile)(join(ROOT, 'bin/nightreel'), args, { cwd: tmpdir(), env });
  return await running.then(
    (done) => ({ code: 0, ...done }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
}

test('the new template is the old one under its own name, and renders by that in its project', async () => {
  const { code, stdout } = await inProject(['init', 'welcome']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('nightreel render welcome --out') });
  const folder = join(project, 'templates/welcome');
  const [shipped, own] = [await loadTemplate(join(ROOT, 'templates/referral')), await loadTemplate(folder)];
  expect([own.id, own.digest]).toEqual(['welcome', shipped.digest]);
  expect(await readdir(join(folder, 'source/fonts'))).toEqual(
    await readdir(join(ROOT, 'templates/referral/source/fonts')),
  );
  expect(await readdir(join(project, 'templates'))).toEqual(['welcome']);

  // Half a second of it.
  const file = join(folder, 'template.json');
  const { scenes: _, ...brief } = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...brief, durationMs: 500, fps: 10 }));
  const out = join(project, 'welcome.mp4');
  const rendered = await inProject(['render', 'welcome', '--out', out, '--rendition', 'email-480p', '--json']);
  expect(rendered.code).toBe(0);
  expect(lastJson(rendered.stdout)).toMatchObject({ template: 'welcome', out, frameCount: 5 });
}, 120_000);

test('what it prints writes index.html from the sources, in a project without packages of its own', async () => {
  const { stdout } = await inProject(['init', 'from-source']);
  const [, command = ''] = /index\.html from it: (.*)$/m.exec(stdout) ?? [];
  await promisify(execFile)('bash', ['-c', `${command} --check`]);
});

describe('is refused, and nothing is touched:', () => {
  beforeAll(() => inProject(['init', 'there']));

  test.each([
    [['there'], /templates\/there is there already/],
    [['../there'], /lower-case letters, digits and dashes/],
    [['There'], /lower-case letters, digits and dashes/],
    [['other', '--from', 'nothing'], /No template 'nothing' comes with Nightreel: there is .*referral/],
    [[], /missing required argument 'name'/],
  ])('init %j', async (args, sentence) => {
    const before = await readdir(join(project, 'templates'));
    const { code, stderr } = await inProject(['init', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(sentence) });
    expect(await readdir(join(project, 'templates'))).toEqual(before);
  });
});

test('its help names what there is to start from', async () => {
  const { stdout } = await nightreel(['init', '--help']);
  expect(stdout).toMatch(/Templates to start from: .*referral/);
});

test('a copy that fails leaves nothing behind', async () => {
  const to = join(project, 'copies/half');
  await expect(startTemplate(join(project, 'no-such-template'), to)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readdir(join(project, 'copies'))).toEqual([]);
  await expect(access(to)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the ID is the only thing that changes, wherever it stands', () => {
  const usual = '{\n  "id": "referral",\n  "scenes": [{ "id": "referral" }]\n}\n';
  expect(withId(usual, 'mine')).toBe('{\n  "id": "mine",\n  "scenes": [{ "id": "referral" }]\n}\n');
  const late = '{ "scenes": [{ "id": "hello" }], "id": "referral" }';
  expect(JSON.parse(withId(late, 'mine'))).toEqual({ scenes: [{ id: 'hello' }], id: 'mine' });
});
