/** `nightreel check`: one report of a template; what a scene shows and does not declare is found, and named. */

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { nightreel } from '../rendering/support.ts';
import { lastJson } from '../support/nightreel.ts';

const STORY = resolve(import.meta.dirname, '../fixtures/project/templates/story');

let root: string;
let folder: string;
let pictures: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightreel-check-'));
  folder = join(root, 'story');
  pictures = join(root, 'pictures');
  await cp(STORY, folder, { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

type Scenes = { id: string; params?: string[] }[];

async function edit(change: (scenes: Scenes) => void, page: (html: string) => string = (html) => html): Promise<void> {
  const path = join(folder, 'template.json');
  const file = JSON.parse(await readFile(path, 'utf8')) as { scenes: Scenes };
  change(file.scenes);
  await writeFile(path, JSON.stringify(file));
  const html = join(folder, 'index.html');
  await writeFile(html, page(await readFile(html, 'utf8')));
}

const declare = (id: string, params: string[]) => (scenes: Scenes) => {
  for (const scene of scenes) if (scene.id === id) scene.params = params;
};
const run = (...more: string[]) => nightreel(['check', folder, '--out', pictures, ...more], root);
const check = (...more: string[]) => run('--only', 'scenes', ...more);

test('a right declaration is proven; what could not be tried, or is of no use, is said', async () => {
  await edit(declare('goodbye', ['earnings']));
  const { code, stdout } = await check('--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    template: 'story',
    samples: 3,
    findings: [],
    hints: [{ scene: 'goodbye', param: 'earnings' }],
    unvaried: [],
  });
}, 180_000);

test('a param that a scene shows and does not declare is named, with a picture', async () => {
  await edit(declare('count', ['earnings']));
  const { code, stdout } = await check();
  expect(code).toBe(2);
  expect(stdout).toContain(
    "Scene 'count' shows 'referralCount' without declaring it: 12 of its frames differ, from frame 12 on.",
  );
  const [name] = await readdir(pictures);
  expect(name).toBe('count-frame-12.png');
  // 854 by 480, three times: as it is, as the scene shows it, and the difference.
  expect(await sharp(join(pictures, name ?? '')).metadata()).toMatchObject({
    format: 'png',
    width: 3 * 854,
    height: 480,
  });
}, 180_000);

test('what shows only together with something else is found too, and no value is ever printed', async () => {
  const bye = "params.name !== 'Friend' && params.earnings > 0 ? 'Bye ' + params.name : 'Good night'";
  await edit(
    () => undefined,
    (html) => html.replace("'Good night'", bye),
  );
  const { code, stdout, stderr } = await check('--json');
  expect(code).toBe(2);
  const { findings } = lastJson(stdout) as { findings: { scene: string; params: string[] }[] };
  expect(findings).toMatchObject([{ kind: 'leak', scene: 'goodbye', params: ['name', 'referralCount', 'earnings'] }]);
  expect(stdout + stderr).not.toMatch(/Ada|Wilhelmina/);
}, 180_000);

test('a scene that depends on what was drawn before it is found at its join', async () => {
  await edit(
    () => undefined,
    (html) =>
      html.replace(
        'const seek = (t) => {',
        "let seen = 0; const seek = (t) => { if (t === 0) seen = 0; seen += 1; document.body.style.background = seen > 13 ? '#700' : '#007'; document.querySelector('#story').style.background = 'none';",
      ),
  );
  const { code, stdout } = await check('--samples', '1', '--json');
  expect(code).toBe(2);
  const { findings } = lastJson(stdout) as { findings: { kind: string; scene: string }[] };
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.every(({ kind }) => kind === 'join' || kind === 'leak')).toBe(true);
}, 180_000);

test('a template without scenes has nothing to prove; one that cannot be loaded is not fit, and nothing of it is drawn', async () => {
  const path = join(folder, 'template.json');
  const { scenes, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(rest));
  expect(await check()).toMatchObject({ code: 0, stdout: expect.stringContaining("Template 'story' is fit") });
  expect(await check('--campaign', 'story')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("'story' declares no scenes"),
  });
  await writeFile(path, JSON.stringify({ ...rest, scenes: (scenes as Scenes).slice(1) }));
  const broken = await check('--json');
  expect(broken.code).toBe(2);
  expect(lastJson(broken.stdout)).toMatchObject({
    fit: false,
    notRun: ['scenes'],
    findings: [{ rule: 'template-json', what: expect.stringContaining("the frames from 0 to 11, before 'count'") }],
  });
}, 180_000);

test('the report says of each finding where it is, what it does to a night and what to do; warnings alone are fit', async () => {
  const fit = await run('--static');
  expect(fit).toMatchObject({ code: 0, stderr: '' });
  expect(fit.stdout).toBe(`warning font-generic  index.html:6
  The only font named is 'sans-serif'.
  The operating system's font is shown: pictures change with the worker's image, and everybody is rendered anew.
  → Embed a font with @font-face and name it first.

Template 'story' is fit for a night: 0 errors, 1 warning in 9 checks.
`);
  await edit(
    () => undefined,
    (html) => html.replace('<p></p>', '<p></p><img src="https://cdn.example.com/a.png?name=Ada" alt="">'),
  );
  const broken = await run('--static', '--json', '--skip', 'fonts');
  expect(broken.code).toBe(2);
  expect(lastJson(broken.stdout)).toMatchObject({
    template: 'story',
    fit: false,
    errors: 1,
    warnings: 0,
    notRun: [],
    findings: [{ rule: 'remote-url', severity: 'error', file: 'index.html', line: 13, picture: null }],
  });
}, 180_000);

test('a check that there is not is refused with the names of those that there are', async () => {
  expect(await run('--only', 'fonts,colours')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/There is no check 'colours'. There are: schema, contract, .*scenes/),
  });
}, 180_000);

const FLAWS = resolve(import.meta.dirname, '../fixtures/broken-templates');
const SHIPPED = resolve(import.meta.dirname, '../../templates');

describe('a broken template ends with 2, and is told with its line', () => {
  test.each([
    ['remote-font-css', 'network', 'remote-url', 5],
    ['timer', 'determinism,runtime', 'timer', 22],
    ['drawn/keeps-direction', 'warm-equals-cold', 'leaked-state', 23],
    ['drawn/tall-list', 'overflow', 'text-overflow', 16],
  ])(
    '%s, by %s',
    async (flaw, checks, rule, line) => {
      const broken = join(root, 'broken');
      await cp(join(FLAWS, 'base'), broken, { recursive: true });
      await cp(join(FLAWS, flaw), broken, { recursive: true });
      const { code, stdout } = await nightreel(['check', broken, '--out', pictures, '--only', checks], root);
      expect(stdout).toMatch(new RegExp(`^error +${rule} +index.html:${line}$`, 'm'));
      expect(stdout).toContain('is NOT fit for a night');
      expect(code).toBe(2);
    },
    120_000,
  );
});

test('a shipped template ends with 0, and what it takes is measured', async () => {
  const only = ['--only', 'schema,contract,network,fonts,determinism,params-ready,weight'];
  const { code, stdout } = await nightreel(['check', join(SHIPPED, 'statement'), '--json', ...only], root);
  expect(lastJson(stdout)).toMatchObject({
    ...{ fit: true, errors: 0, notRun: [] },
    measures: {
      frame: { width: 1080, height: 1920 },
      night: { rendition: 'email-480p' },
      effects: { layers: expect.any(Number) },
      growth: { people: 100 },
    },
  });
  expect(code).toBe(0);
}, 180_000);
