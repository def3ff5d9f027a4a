/** Who the preview lets in, and what it tells them. */

import { once } from 'node:events';
import { appendFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { withEngine } from '../../src/preview/frame-files.ts';
import { withoutHints } from '../../src/preview/link-hints.ts';
import { csvPeople } from '../../src/preview/param-sets.ts';
import { rangeOf } from '../../src/preview/send.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { TestHome, until } from '../support/nightreel.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { type Answer, ask, TestPreview } from './support.ts';

const CSV = join(tmpdir(), `nightreel-preview-${process.pid}.csv`);
const AT = '2026-11-20T12:00:00Z';
const EVIL = '<img src=x onerror=alert(1)>';

const CAMPAIGN = `title: Cards
template: card
rendition: email-480p
rejectLimit: 1
source: { type: csv, path: ${JSON.stringify(CSV)} }
schedule: { days: [Mon], at: "23:00", timeZone: UTC }
`;

const state = z.object({
  version: z.number(),
  problem: z.string().nullable(),
  template: z.object({ title: z.string(), frameCount: z.number() }).nullable(),
  frame: z.string().nullable(),
  sets: z.array(z.object({ label: z.string(), params: z.record(z.string(), z.unknown()) })),
});

const found = z.object({
  people: z.array(
    z.object({
      recipientId: z.string(),
      params: z.record(z.string(), z.unknown()),
      problem: z.string().nullable(),
    }),
  ),
});

let preview: TestPreview;
let inside: string;

beforeAll(async () => {
  await writeFile(
    CSV,
    `recipient_id,updated_at,name,referralCount,earnings\nr-1,${AT},Ada,3,60\nr-2,${AT},${EVIL},4,70\nr-3,${AT},Grace,-1,80\nr-4,${AT},Ada,many,1\n`,
  );
  preview = await TestPreview.start(new Map([['csv', csvPeople(CSV, 'people.csv')]]));
  inside = preview.url.pathname;
});
afterAll(async () => {
  await preview?.[Symbol.asyncDispose]();
  await rm(CSV, { force: true });
});

const host = (): Record<string, string> => ({ host: preview.url.host });
const readState = async (of: TestPreview = preview) =>
  state.parse(JSON.parse((await ask(of.url, `${of.url.pathname}state`, { headers: { host: of.url.host } })).text));
const frameHost = async (): Promise<string> => new URL((await readState()).frame ?? '').host;

const policyOf = ({ headers }: Answer): string[] => String(headers['content-security-policy']).split('; ');
const ALWAYS = {
  ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
  ...{ 'cross-origin-resource-policy': 'same-origin', 'x-dns-prefetch-control': 'off' },
};

describe('the door', () => {
  test('opens for the address that was printed, with a policy that lets nothing in from elsewhere', async () => {
    const answer = await ask(preview.url, inside, { headers: host() });
    expect(answer.status).toBe(200);
    expect(policyOf(answer)).toEqual([
      "default-src 'none'",
      ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "media-src 'self'", "connect-src 'self'"],
      `frame-src http://${await frameHost()}`,
      ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"],
    ]);
    expect(answer.headers).toMatchObject({ ...ALWAYS, 'cross-origin-opener-policy': 'same-origin' });
  });

  test.each([
    ['without the token', () => '/'],
    ['with a wrong token', () => inside.replace(/.{4}\/$/, 'AAAA/')],
    ['with a token that is only begun', () => inside.slice(0, -2)],
    ['for data with a wrong token', () => '/wrong/state'],
    ['with the token as a query alone', () => `/?token=${inside.slice(1, -1)}`],
  ])('stays shut %s', async (_, path) => {
    const answer = await ask(preview.url, path(), { headers: host() });
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain(inside.slice(1, -1));
  });

  test.each(['evil.example', 'localhost', '127.0.0.1', '[::1]'])(
    'stays shut for the name %s, with the right token',
    async (name) => {
      const named = name === '127.0.0.1' ? name : `${name}:${preview.url.port}`;
      expect((await ask(preview.url, inside, { headers: { host: named } })).status).toBe(403);
    },
  );

  test('stays shut for a page of another origin, the template’s included', async () => {
    for (const origin of ['https://evil.example', 'null', `http://${await frameHost()}`]) {
      const headers = { ...host(), origin };
      expect((await ask(preview.url, `${inside}check`, { headers, body: { params: {} } })).status).toBe(403);
    }
    const own = { ...host(), origin: preview.url.origin };
    expect((await ask(preview.url, `${inside}check`, { headers: own, body: { params: {} } })).status).toBe(200);
  });

  test.each(['../package.json', '..%2f..%2fpackage.json', 'app/../../server.ts', 'app/%2e%2e/api.ts', 'made/x/../y'])(
    'has nothing behind it at %s',
    async (path) => {
      const answer = await ask(preview.url, `${inside}${path}`, { headers: host() });
      expect([403, 404]).toContain(answer.status);
      expect(answer.text).toMatch(/^\{"problem":/);
    },
  );
});

describe('the template’s own door', () => {
  test('opens for its files alone, and each page has the engine’s scripts first', async () => {
    const headers = { host: await frameHost() };
    const page = await ask(preview.url, '/index.html', { headers });
    expect(page.text).toMatch(/<head><script src="\/\.nightreel\/engine\.js"><\/script>/);
    expect(policyOf(page)).toEqual([
      "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
      ...["form-action 'none'", "object-src 'none'", `frame-ancestors 'self' ${preview.url.origin}`],
    ]);
    expect(page.headers).toMatchObject({ ...ALWAYS, 'connection-allowlist': '(response-origin)' });
    const engine = await ask(preview.url, '/.nightreel/engine.js', { headers });
    expect(engine.text).toContain('window.__nightreel = {');
  });

  test.each(['/template.json', '/../index.ts', '/..%2ftemplate.json', '/nothing.png', '/state', '/%'])(
    'has nothing behind it at %s',
    async (path) => {
      const answer = await ask(preview.url, path, { headers: { host: await frameHost() } });
      expect([403, 404]).toContain(answer.status);
    },
  );

  test('does not open to another name', async () => {
    const other = (await frameHost()).replace(/^.{4}/, '0000');
    expect((await ask(preview.url, '/index.html', { headers: { host: other } })).status).toBe(403);
  });
});

describe('answers', () => {
  const post = (what: string, body: unknown) => ask(preview.url, `${inside}${what}`, { headers: host(), body });

  test('what is unknown is told as such', async () => {
    for (const path of ['nothing', 'made/a/b.mp4', 'app/nothing.js']) {
      expect((await ask(preview.url, `${inside}${path}`, { headers: host() })).status).toBe(404);
    }
    expect((await post('nothing', {})).status).toBe(400);
  });

  test('params are checked as in the plan, each thing with its place', async () => {
    const { text } = await post('check', { params: { name: '', referralCount: 1.5 } });
    const { errors } = z
      .object({ errors: z.array(z.object({ path: z.string(), reason: z.string() })) })
      .parse(JSON.parse(text));
    expect(errors.map(({ path }) => path).sort()).toEqual(['/', '/name', '/referralCount']);
  });

  test('nothing is rendered of params that are not valid', async () => {
    const answer = await post('renders', { params: { name: '' }, renditions: ['email-480p'] });
    expect(answer.status).toBe(400);
    expect(preview.engines()).toBe(0);
  });

  test('rows of a file are found by ID or name, with what is wrong with them', async () => {
    const found = async (text: string) => JSON.parse((await post('people', { from: 'csv', text })).text).people;
    expect(await found('ADA')).toEqual([
      { recipientId: 'r-1', params: { name: 'Ada', referralCount: 3, earnings: 60 }, problem: null },
      expect.objectContaining({ recipientId: 'r-4', problem: expect.stringContaining('/referralCount') }),
    ]);
    expect(await found('r-2')).toEqual([expect.objectContaining({ params: expect.objectContaining({ name: EVIL }) })]);
    expect(await found('nobody')).toEqual([]);
  });
});

test('a file of people is read as for `nightreel render --csv`', async () => {
  const template = await loadTemplate(preview.folder);
  const idsIn = async (text: string, idColumn?: string) => {
    const path = join(preview.folder, 'people.csv');
    await writeFile(path, text);
    const { people } = await csvPeople(path, 'people.csv', idColumn).find(
      template,
      '',
      9,
      new AbortController().signal,
    );
    await rm(path);
    return people.map(({ recipientId, problem }) => [recipientId, problem]);
  };
  expect(await idsIn('id,name,referralCount,earnings,city\n7,Ada,3,60,Rome\n')).toEqual([['7', null]]);
  expect(await idsIn('mail;name;referralCount;earnings\na@b;Ada;3;60\n', 'mail')).toEqual([['a@b', null]]);
  await expect(idsIn('mail,name,referralCount,earnings\na@b,Ada,3,60\n')).rejects.toThrow('--id-column');
});

test('a template that is broken is told, and is there once it is mended, however its files were replaced', async () => {
  await using broken = await TestPreview.start(new Map(), (folder) => writeFile(join(folder, 'template.json'), '{'));
  expect(await readState(broken)).toMatchObject({ template: null, problem: expect.stringContaining('is not JSON') });
  await broken.write('mended.json', await preview.read('template.json'));
  await rename(join(broken.folder, 'mended.json'), join(broken.folder, 'template.json'));
  const mended = await until(async () => {
    const now = await readState(broken);
    return now.problem === null ? now : null;
  }, 'the template to be read again');
  expect(mended.template).toMatchObject({ title: 'Card', frameCount: 30 });
});

test('an .html composition is previewed by its name, as it is checked and rendered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-preview-composition-'));
  await cp(join(import.meta.dirname, '../fixtures/compositions/variables'), folder, { recursive: true });
  await rename(join(folder, 'index.html'), join(folder, 'teaser.html'));
  const home = await TestHome.create();
  const child = home.start(['preview', join(folder, 'teaser.html'), '--json']);
  try {
    const [line] = await once(child.stdout ?? child, 'data');
    const url = new URL(z.object({ address: z.string() }).parse(JSON.parse(String(line))).address);
    const { text } = await ask(url, `${url.pathname}state`, { headers: { host: url.host } });
    expect(state.parse(JSON.parse(text))).toMatchObject({
      problem: null,
      frame: expect.stringMatching(/\/teaser\.html$/),
    });
  } finally {
    child.kill('SIGINT');
    await once(child, 'close');
    await home.end();
    await rm(folder, { recursive: true });
  }
}, 60_000);

test('the command offers tonight’s people and a file’s, says nothing of what is asked, and Ctrl-C ends it', async () => {
  await using s3 = await TestS3.start();
  const project = await mkdtemp(join(tmpdir(), 'nightreel-preview-project-'));
  await cp(preview.folder, join(project, 'templates/card'), { recursive: true });
  await mkdir(join(project, 'campaigns'));
  await writeFile(join(project, 'campaigns/cards.yaml'), CAMPAIGN);
  const home = await TestHome.create(project);
  const { accessKeyId, secretAccessKey } = TEST_CREDENTIALS;
  const environment = {
    ...{ AWS_ENDPOINT_URL: s3.endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    ...{ NIGHTREEL_BUCKET: s3.bucket, TEMPORAL_ADDRESS: '127.0.0.1:1' },
  };
  const child = home.start(['preview', 'cards', '--csv', CSV, '--json'], environment);
  try {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [line] = await once(child.stdout ?? child, 'data');
    const url = new URL(z.object({ address: z.string() }).parse(JSON.parse(String(line))).address);
    expect(url.hostname).toBe('127.0.0.1');
    const headers = { host: url.host };
    const find = async (from: string, text: string, again = false) => {
      const answer = await ask(url, `${url.pathname}people`, { headers, body: { from, text, again } });
      return found.parse(JSON.parse(answer.text)).people;
    };
    expect((await find('csv', 'grace')).map(({ recipientId }) => recipientId)).toEqual(['r-3']);
    expect((await find('tonight', '')).map(({ recipientId }) => recipientId).sort()).toEqual(['r-1', 'r-2']);
    expect(await find('tonight', 'ADA')).toEqual([
      { recipientId: 'r-1', params: { name: 'Ada', referralCount: 3, earnings: 60 }, problem: null },
    ]);
    // Read once, and again when somebody asks for it.
    await appendFile(CSV, `r-5,${AT},Hedy,5,90\n`);
    expect(await find('tonight', 'hedy')).toEqual([]);
    expect((await find('tonight', 'hedy', true)).map(({ recipientId }) => recipientId)).toEqual(['r-5']);
    // An open connection holds nothing up.
    const events = await fetch(`${url}events`);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    await events.body?.cancel().catch(() => undefined);
    expect(code).toBe(0);
    expect(said).not.toMatch(/grace|ada|r-1|people|events/i);
    expect((await home.processes()).size).toBe(0);
  } finally {
    child.kill('SIGKILL');
    await home.end();
    await rm(project, { recursive: true });
  }
}, 180_000);

test.each([
  ['<!doctype html><title>a</title>', '<!doctype html>|<title>a</title>'],
  [
    '<!DOCTYPE html>\n<!-- a -->\n<html lang="en">\n<head>\n<meta>',
    '<!DOCTYPE html>\n<!-- a -->\n<html lang="en">\n<head>|\n<meta>',
  ],
  [`<html data-x='[{"a":">"}]'><head data-y=">"><script>`, `<html data-x='[{"a":">"}]'><head data-y=">">|<script>`],
  ['<header>no head</header>', '|<header>no head</header>'],
  ['<html><header>no head</header>', '<html>|<header>no head</header>'],
])('the engine’s script comes first in %s', (html, expected) => {
  expect(withEngine(html)).toBe(expected.replace('|', '<script src="/.nightreel/engine.js"></script>'));
});

test('links that only open a connection are taken out of a page, and its lines and columns stay', () => {
  const page = '\uFEFF<!doctype html>\r\n<title>🦊</title><link rel=icon href=a.png>HINT<p>';
  for (const hint of [
    '<link rel="preconnect" href="https://a.example">',
    "<LINK\r\n  crossorigin href=//a.example rel='x DNS-Prefetch'>",
    '<link rel=pre&#99;onnect href="https://a.example?>">',
  ]) {
    expect(withoutHints(page.replace('HINT', hint))).toBe(page.replace('HINT', hint.replaceAll(/[^\r\n]/g, ' ')));
  }
  const others = `<link rel=stylesheet href=preconnect.css><script>'<link rel="preconnect">'</script><!--<link rel=preconnect>-->`;
  expect(withoutHints(others)).toBe(others);
});

test.each([
  ['bytes=0-', [0, 9]],
  ['bytes=2-5', [2, 5]],
  ['bytes=8-99', [8, 9]],
  ['bytes=-3', [7, 9]],
  ['bytes=10-', 'unfit'],
  ['bytes=5-2', 'unfit'],
  ['bytes=0-1,4-5', null],
  ['lines=1-2', null],
  [undefined, null],
] as const)('the range %s of ten bytes is %j', (header, expected) => {
  expect(rangeOf(header, 10)).toEqual(expected);
});
