import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { asFailure, type Failure } from '../../src/contracts/failures.ts';
import { objectKeys } from '../../src/contracts/ids.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { fetchPinnedTemplate, pinTemplate } from '../../src/storage/pinned-templates.ts';
import { TemplateLibrary } from '../../src/templates/library.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { TestS3 } from '../support/s3.ts';

const STORY = resolve(import.meta.dirname, '../fixtures/project/templates/story');
const text = { contentType: 'application/json' };

let server: TestS3;
let store: ObjectStore;
let root: string;
let folder: string;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightreel-pinned-'));
  folder = join(root, 'templates/story');
  await cp(STORY, folder, { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

const failureOf = async (work: Promise<unknown>): Promise<Failure> =>
  asFailure(
    await work.then(
      () => new Error('it went well'),
      (error: unknown) => error,
    ),
  );

test('a pinned template comes back as it was, scenes and files alike', async () => {
  const template = await loadTemplate(folder);
  expect(await pinTemplate(store, template)).toBe('stored');
  expect(await pinTemplate(store, await loadTemplate(folder))).toBe('exists');
  const back = await fetchPinnedTemplate(store, template.digest, root);
  expect(back).toMatchObject({ id: 'story', digest: template.digest, scenes: template.scenes });
  expect([...(back?.files ?? [])]).toEqual([...template.files]);
  expect(await fetchPinnedTemplate(store, 'a'.repeat(64), root)).toBeNull();
});

test('a batch goes on with the template that it was planned with, whatever becomes of the folder', async () => {
  const planned = await loadTemplate(folder);
  await pinTemplate(store, planned);
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  await writeFile(join(folder, 'index.html'), html.replace('Good night', 'Bye'));
  const library = new TemplateLibrary(join(root, 'templates'), (digest) => fetchPinnedTemplate(store, digest, root));
  expect((await library.load('story', planned.digest)).html).toContain('Good night');
  expect((await library.read('story')).html).toContain('Bye');
  await rm(folder, { recursive: true });
  expect((await library.load('story', planned.digest)).html).toContain('Good night');
  const elsewhere = new TemplateLibrary(join(root, 'templates'), (digest) => fetchPinnedTemplate(store, digest, root));
  expect((await elsewhere.load('story', planned.digest)).html).toContain('Good night');
});

test('that nobody pinned it is TemplateChanged', async () => {
  const library = new TemplateLibrary(join(root, 'templates'), (digest) => fetchPinnedTemplate(store, digest, root));
  expect((await failureOf(library.load('story', 'b'.repeat(64)))).failureClass).toBe('TemplateChanged');
});

test('a change of template.json between reading and pinning is told', async () => {
  const template = await loadTemplate(folder);
  const path = join(folder, 'template.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"fps": 15', '"fps": 30'));
  expect((await failureOf(pinTemplate(store, template))).failureClass).toBe('TemplateChanged');
});

test.each([
  ['no JSON', () => '{'],
  ['no template', () => '{}'],
  ['another template', (pin: string) => pin.replaceAll('15', '30')],
  ['a file outside', (pin: string) => pin.replace('"index.html"', '"../../index.html"')],
])('what is stored and is %s is refused, and nothing of it stays on disk', async (_what, change) => {
  const template = await loadTemplate(folder);
  await pinTemplate(store, template);
  const key = objectKeys.pinnedTemplate(template.digest);
  const pin = (await store.getText(key)) ?? '';
  await store.put(key, change(pin), text);
  const unpacked = await mkdtemp(join(root, 'unpacked-'));
  expect((await failureOf(fetchPinnedTemplate(store, template.digest, unpacked))).failureClass).toBe('StorageDenied');
  expect(await readdir(unpacked)).toEqual([]);
  await store.put(key, pin, text);
});
