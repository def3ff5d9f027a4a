import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listTemplates } from '../../src/templates/list.ts';
import { loadTemplate } from '../../src/templates/template.ts';

const TINY = resolve(import.meta.dirname, '../fixtures/templates/tiny');

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightreel-templates-'));
  folder = join(root, 'tiny');
  await cp(TINY, folder, { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

const edit = async (change: Record<string, unknown>): Promise<void> => {
  const path = join(folder, 'template.json');
  const file = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...file, ...change }));
};

describe('a link in its folder', () => {
  test.each([
    ['to a file outside', '/etc/passwd'],
    ['to a file that is no file', '/proc/self/environ'],
    ['to a folder outside', '..'],
    ['to another template', '../other'],
  ])('%s is refused', async (_what, target) => {
    await cp(TINY, join(root, 'other'), { recursive: true });
    await symlink(target, join(folder, 'link'));
    await expect(loadTemplate(folder)).rejects.toMatchObject({
      failureClass: 'TemplateInvalid',
      message: "'link' is a link out of the template's folder. Put what it leads to into the folder itself.",
    });
  });

  test('to nothing is refused', async () => {
    await symlink('gone.png', join(folder, 'link'));
    await expect(loadTemplate(folder)).rejects.toThrow("'link' is a link to what is not there. Remove it.");
  });

  test('to a folder that it lies in is refused', async () => {
    await mkdir(join(folder, 'fonts'));
    await symlink('.', join(folder, 'fonts', 'link'));
    await expect(loadTemplate(folder)).rejects.toThrow("'fonts/link' is a link to a folder that it lies in.");
  });

  test('to a file of the same folder is that file, also where the folder itself is reached by a link', async () => {
    await writeFile(join(folder, 'a.txt'), 'a');
    await symlink('a.txt', join(folder, 'b.txt'));
    await symlink(folder, join(root, 'linked'));
    const { files } = await loadTemplate(join(root, 'linked'));
    expect(String(files.get('b.txt'))).toBe('a');
  });

  test('is nothing to it where it is none of its files', async () => {
    await symlink('/etc/passwd', join(folder, '.hidden'));
    expect([...(await loadTemplate(folder)).files.keys()]).toEqual(['index.html']);
  });
});

describe('a template', () => {
  test('is what its folder says', async () => {
    expect(await loadTemplate(folder)).toMatchObject({
      id: 'tiny',
      entryPath: 'index.html',
      width: 320,
      height: 180,
      fps: 32,
      durationMs: 2000,
      frameCount: 64,
      contract: 'warm',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test.each([
    [{ fps: 30, durationMs: 1234 }, /durationMs 1234 is not a whole number of frames/],
    [{ entry: 'main.html' }, /entry 'main\.html' is not a file of the template/],
    [{ width: 'wide' }, /width: .*number/],
    [{ colour: 'red' }, /colour/],
    [{ id: 'Tiny!' }, /id: must be lower-case/],
    [{ example: {} }, /example does not fit the params schema: \/ must have required property 'name'/],
    [{ placeholder: { name: 7 } }, /placeholder does not fit the params schema: \/name must be string/],
    [{ params: { type: 'objekt' } }, /params is not a JSON Schema/],
    [{ posterMs: 2000 }, /posterMs is after the end/],
  ])('with %j is refused, naming the file', async (change, message) => {
    await edit(change);
    const loading = loadTemplate(folder);
    await expect(loading).rejects.toMatchObject({ failureClass: 'TemplateInvalid' });
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toThrow(join(folder, 'template.json'));
  });

  test('without template.json, or with one that is not JSON, is refused', async () => {
    await writeFile(join(folder, 'template.json'), '{');
    await expect(loadTemplate(folder)).rejects.toThrow(/template\.json is not JSON/);
    await rm(join(folder, 'template.json'));
    await expect(loadTemplate(folder)).rejects.toThrow(/A template is a folder with a template\.json/);
  });
});

describe('its digest', () => {
  const digest = async (): Promise<string> => (await loadTemplate(folder)).digest;

  test('changes with every file that the page can ask for, and with what decides how it is drawn', async () => {
    const digests = [await digest()];
    await writeFile(join(folder, 'index.html'), `${await readFile(join(folder, 'index.html'), 'utf8')} `);
    digests.push(await digest());
    await mkdir(join(folder, 'img'));
    await writeFile(join(folder, 'img/a.svg'), '<svg/>');
    digests.push(await digest());
    await rm(join(folder, 'img'), { recursive: true });
    await writeFile(join(folder, 'a.svg'), '<svg/>');
    digests.push(await digest());
    await edit({ durationMs: 1000 });
    digests.push(await digest());
    await edit({ durationMs: 1000, repaints: 'all' });
    digests.push(await digest());
    expect(new Set(digests).size).toBe(6);
  });

  test('stays with whatever cannot decide a pixel', async () => {
    const before = await digest();
    await edit({ title: 'Another title', example: { name: 'Grace' } });
    await writeFile(join(folder, 'README.md'), 'notes');
    await writeFile(join(folder, '.DS_Store'), 'junk');
    await mkdir(join(folder, 'source'));
    await writeFile(join(folder, 'source/main.js'), 'draft');
    expect(await digest()).toBe(before);
    expect([...(await loadTemplate(folder)).files.keys()]).toEqual(['index.html']);
  });

  test('is the same in another folder', async () => {
    expect(await digest()).toBe((await loadTemplate(TINY)).digest);
  });
});

describe('params', () => {
  test('that fit come back as they are', async () => {
    const { validateParams } = await loadTemplate(folder);
    expect(validateParams({ name: 'Zoë' })).toEqual({ ok: true, params: { name: 'Zoë' } });
  });

  test('that do not fit are told apart by path, and never quoted', async () => {
    const { validateParams } = await loadTemplate(folder);
    const check = validateParams({ name: 'x'.repeat(41), colour: 'crimson', age: 5 });
    expect(check).toMatchObject({
      ok: false,
      errors: [
        { path: '/', reason: "must not have 'age'" },
        { path: '/name', reason: 'must NOT have more than 40 characters' },
        { path: '/colour', reason: expect.stringContaining('must match pattern') },
      ],
    });
    expect(JSON.stringify(check)).not.toMatch(/crimson|xxxx/);
  });

  test.each([[null], [[]], ['name'], [7]])('must be an object: %j is refused', async (params) => {
    expect((await loadTemplate(folder)).validateParams(params)).toMatchObject({
      ok: false,
      path: '/',
      reason: 'must be an object',
    });
  });
});

test('templates are listed by the names of their folders', async () => {
  await mkdir(join(root, 'empty'));
  await cp(TINY, join(root, 'another'), { recursive: true });
  expect(await listTemplates(root)).toEqual(['another', 'tiny']);
  expect(await listTemplates(join(root, 'none'))).toEqual([]);
});
