import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listTemplates } from '../../src/templates/list.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { timelinesIn } from '../../src/templates/timelines.ts';

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightreel-compositions-'));
  folder = join(root, 'My Film');
});
afterEach(() => rm(root, { recursive: true }));

const write = async (path: string, text: string): Promise<void> => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
};
const ROOT_ATTRIBUTES = 'data-start="0" data-duration="1.5" data-width="320" data-height="180"';
const page = (attributes = ROOT_ATTRIBUTES, variables = '', inside = ''): string =>
  `<!doctype html><html ${variables}><title>Film</title><body><div data-composition-id="main" ${attributes}>${inside}</div></body></html>`;
const declaring = (variables: unknown): string => page(ROOT_ATTRIBUTES, `data-composition-variables='${variables}'`);

describe('a composition without template.json', () => {
  test('is a stock template of what its attributes say', async () => {
    await write('index.html', page());
    expect(await loadTemplate(folder)).toMatchObject({
      ...{ id: 'my-film', title: 'Film', entryPath: 'index.html', contract: 'stock' },
      ...{ width: 320, height: 180, fps: 30, durationMs: 1500, frameCount: 45, timelineIds: [] },
    });
  });

  test.each([
    ['data-fps="24" data-duration="2"', { fps: 24, frameCount: 48, durationMs: 2000 }],
    ['data-duration="1.1"', { frameCount: 33, durationMs: 1100 }],
    ['data-duration="1.25"', { frameCount: 38, durationMs: 1267 }],
  ])('with %s shows every frame that begins', async (attributes, expected) => {
    await write('index.html', page(`data-width="320" data-height="180" ${attributes}`));
    expect(await loadTemplate(folder)).toMatchObject(expected);
  });

  test('declares its variables as params, none of them required', async () => {
    const variables = [
      { id: 'name', type: 'string', label: 'Name', default: 'it&#39;s you', maxLength: 12 },
      { id: 'count', type: 'number', default: 3, min: 0, max: 10 },
      { id: 'shape', type: 'enum', default: 'round', options: [{ value: 'round', label: 'Round' }, 'square'] },
      { id: 'logo', type: 'image', default: 'logo.svg' },
      { id: 'shout', type: 'boolean', default: false },
    ];
    await write('index.html', declaring(JSON.stringify(variables)));
    const { example, placeholder, validateParams } = await loadTemplate(folder);
    expect(example).toEqual({ name: "it's you", count: 3, shape: 'round', logo: 'logo.svg', shout: false });
    expect(placeholder).toEqual(example);
    expect(validateParams({}).ok).toBe(true);
    expect(validateParams({ name: 'Ada', shape: 'square', logo: { url: 'a.png' } }).ok).toBe(true);
    for (const wrong of [{ name: 7 }, { count: 11 }, { shape: 'oval' }, { logo: {} }, { other: 1 }]) {
      expect(validateParams(wrong).ok).toBe(false);
    }
  });

  test.each([
    [declaring('[{'), /index\.html: data-composition-variables is not JSON/],
    [declaring('{}'), /data-composition-variables is no JSON array/],
    [declaring('[{"id":"name","type":"text","default":"a"}]'), /variable 'name' is not declared right \(type: /],
    [declaring('[{"id":"size","type":"number","default":"big"}]'), /variable 'size' is not declared right \(default: /],
    [declaring('[{"type":"string","default":""}]'), /variable 1 is not declared right \(id: /],
    [page('data-width="320" data-height="180"'), /its root has no data-duration\. Write data-duration="…"/],
    [page('data-duration="soon" data-width="320" data-height="180"'), /data-duration="soon", which is not seconds/],
    [page('data-duration="1" data-height="180"'), /its root has no data-width/],
    [page(`${ROOT_ATTRIBUTES} data-fps="29.97"`), /data-fps="29\.97", which is not a whole number from 1 to 120/],
    [page(ROOT_ATTRIBUTES, '', '<i data-composition-src="parts/a.html"></i>'), /it nests 'parts\/a\.html'/],
    ['<p>Hello</p>', /no element has data-composition-id/],
    [`<template>${page()}</template>`, /its composition is inside <template>/],
  ])('that is %s is refused, naming the file', async (html, message) => {
    await write('index.html', html);
    const loading = loadTemplate(folder);
    await expect(loading).rejects.toMatchObject({ failureClass: 'TemplateInvalid' });
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toThrow(join(folder, 'index.html'));
  });

  test('is found by its folder, and another page of the folder by its file', async () => {
    await write('index.html', page());
    await write('teaser.html', page('data-duration="1" data-width="64" data-height="64"'));
    expect(await listTemplates(root)).toEqual(['My Film']);
    expect(await loadTemplate(folder, 'teaser.html')).toMatchObject({ id: 'my-film-teaser', width: 64 });
  });
});

describe('timelines that a page will register', () => {
  const of = (text: string) => timelinesIn(new Map([['index.html', Buffer.from(`<script>${text}</script>`)]]));

  test('are those that its scripts name', () => {
    expect(
      of(`window.__timelines = window.__timelines || {}; window.__timelines["intro"] = a;
      window.__timelines.main = b`),
    ).toEqual(['intro', 'main']);
    expect(of('window.__timelines ??= {}; requestAnimationFrame(draw)')).toEqual([]);
  });

  test('may be any where a name is made up', () => {
    expect(of('window.__timelines[id] = a')).toBeNull();
    expect(of('const all = window.__timelines; all.main = a')).toBeNull();
  });
});
