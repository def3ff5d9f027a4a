/** `nightreel check --static`: every flaw that can be seen in a template's files is found, where it is. */

import { readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { checkSource } from '../../src/checking/check-source.ts';
import { RULES, type RuleName } from '../../src/checking/rules.ts';

const FLAWS = resolve(import.meta.dirname, '../fixtures/broken-templates');
const TEMPLATES = resolve(import.meta.dirname, '../../templates');
/** Flaws that only show when they are drawn: rendered.test.ts. */
const DRAWN = 'drawn';

/** Folder with the flaw, which lies over `base`; what is found, and where. */
const TABLE: readonly (readonly [flaw: string, rule: string, file: string, line: number | null])[] = [
  ['not-json', 'template-json', 'template.json', 6],
  ['unknown-field', 'template-json', 'template.json', 6],
  ['half-a-frame', 'template-json', 'template.json', 6],
  ['no-entry', 'entry-missing', 'template.json', 3],
  ['no-schema', 'params-schema', 'template.json', 13],
  ['wrong-example', 'example-invalid', 'template.json', 17],
  ['wrong-placeholder', 'placeholder-invalid', 'template.json', 19],
  ['endless-text', 'unbounded-string', 'template.json', 13],
  ['endless-number', 'unbounded-number', 'template.json', 14],
  ['endless-list', 'unbounded-array', 'template.json', 14],
  ['open-object', 'open-object', 'template.json', 8],
  ['nullable', 'nullable', 'template.json', 13],
  ['scarce-font', 'font-undeclared', 'template.json', 7],
  ['long-film', 'long-form', 'template.json', 6],
  ['scene-gap', 'scene-declaration', 'template.json', 18],
  ['scene-overlap', 'scene-declaration', 'template.json', 18],
  ['scene-between-frames', 'scene-declaration', 'template.json', 17],
  ['scene-param', 'scene-declaration', 'template.json', 17],
  ['wrong-size', 'composition-size', 'index.html', 12],
  ['wrong-duration', 'composition-duration', 'index.html', 12],
  ['deaf', 'params-message', 'index.html', null],
  ['no-answer', 'params-ready', 'index.html', null],
  ['no-timeline', 'timeline-missing', 'index.html', 12],
  ['other-timeline', 'hyperframes-timeline-id-mismatch', 'index.html', 22],
  ['not-a-composition', 'composition-missing', 'index.html', null],
  ['broken-script', 'script-syntax', 'index.html', 22],
  ['latin-1', 'encoding', 'index.html', 14],
  ['remote-font-css', 'remote-url', 'index.html', 5],
  ['remote-background', 'remote-url', 'index.html', 8],
  ['remote-srcset', 'remote-url', 'index.html', 15],
  ['remote-svg', 'remote-url', 'index.html', 14],
  ['remote-fetch', 'remote-url', 'index.html', 18],
  ['preconnect', 'remote-hint', 'index.html', 5],
  ['imports', 'remote-url', 'look.css', 3],
  ['missing-picture', 'file-missing', 'index.html', 14],
  ['wrong-case', 'file-case', 'index.html', 14],
  ['outside', 'file-outside', 'index.html', 14],
  ['own-file', 'file-missing', 'index.html', 14],
  ['system-font', 'font-not-embedded', 'index.html', 8],
  ['generic-font', 'font-generic', 'index.html', 8],
  ['faux-bold', 'font-weight', 'index.html', 8],
  ['lost-font', 'font-file', 'index.html', 6],
  ['no-font', 'font-file', 'index.html', 6],
  ['timer', 'timer', 'index.html', 22],
  ['worker', 'worker', 'index.html', 22],
  ['real-clock', 'real-clock', 'index.html', 22],
  ['no-locale', 'locale', 'index.html', 19],
  ['counting', 'counting-loop', 'index.html', 24],
  ['asks', 'fetch', 'index.html', 22],
  ['film', 'video', 'index.html', 15],
  ['marquee', 'marquee', 'index.html', 14],
  ['moving-gif', 'animated-picture', 'index.html', 14],
  ['transition', 'transition', 'index.html', 9],
  ['markup', 'markup-from-data', 'index.html', 19],
  ['no-language', 'language-missing', 'index.html', 2],
  ['huge-picture', 'picture-size', 'index.html', 14],
];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightreel-flaws-'));
});
afterAll(() => rm(root, { recursive: true }));

async function template(flaw: string, name = flaw): Promise<string> {
  const folder = join(root, name);
  await cp(join(FLAWS, 'base'), folder, { recursive: true });
  if (flaw !== 'base') await cp(join(FLAWS, flaw), folder, { recursive: true });
  return folder;
}

const places = async (folder: string) =>
  (await checkSource(folder)).map(({ rule, file, line }) => [rule, file, line] as const);

test('the base that flaws lie over has none', async () => {
  expect(await places(await template('base'))).toEqual([]);
});

test.each(TABLE)('%s: %s is found in %s, line %s, and nothing else', async (flaw, rule, file, line) => {
  const [finding, ...others] = await checkSource(await template(flaw));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ rule, file, line });
  const severity = Object.hasOwn(RULES, rule) ? RULES[rule as RuleName].severity : finding?.severity;
  expect(finding?.severity).toBe(severity);
  for (const text of [finding?.what, finding?.why, finding?.fix]) expect(text).toMatch(/^\S.*\S$/);
});

test.each(TABLE)('%s: %s is found in %s, line %s, where lines end as on Windows', async (flaw, rule, file, line) => {
  const folder = await template(flaw, `${flaw}-crlf`);
  for (const name of await readdir(folder)) {
    if (!/\.(?:html|css|js|json)$/.test(name)) continue;
    const bytes = await readFile(join(folder, name));
    await writeFile(join(folder, name), bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
  }
  expect(await places(folder)).toEqual([[rule, file, line]]);
});

test('every flaw that has a folder is in the table, and every rule of the source has a flaw', async () => {
  expect((await readdir(FLAWS)).sort()).toEqual(['base', DRAWN, ...TABLE.map(([flaw]) => flaw)].sort());
  const elsewhere = [
    'composition-unreadable',
    'folder-size',
    'scene-leak',
    'scene-join',
    'scene-sound',
    'drawing-failed',
  ];
  const covered = new Set([...TABLE.map(([, rule]) => rule), ...elsewhere]);
  expect(Object.keys(RULES).filter((rule) => !covered.has(rule))).toEqual([]);
});

test.each(readdirSync(TEMPLATES))('the template %s has no flaw', async (name) => {
  expect(await checkSource(join(TEMPLATES, name))).toEqual([]);
});

describe('a folder in any state ends in findings', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(root, 'state-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const good = (): Promise<void> => cp(join(FLAWS, 'base'), folder, { recursive: true });
  const page = async (change: (html: string) => string): Promise<void> => {
    await good();
    const path = join(folder, 'index.html');
    await writeFile(path, change(await readFile(path, 'utf8')));
  };

  test('an empty one', async () => {
    expect(await places(folder)).toEqual([['template-json', 'template.json', null]]);
  });

  test('a HyperFrames composition without a template.json', async () => {
    const html = (attributes: string, variables = '[]') =>
      `<!doctype html>\n<html lang="en" data-composition-variables='${variables}'>\n<body>\n<div ${attributes}></div>\n</body></html>`;
    const path = join(folder, 'index.html');
    const whole = 'data-composition-id="main" data-width="640" data-height="360" data-duration="70"';
    await writeFile(path, html(whole, '[{"id":"name","type":"string","label":"Name","default":"Ada"}]'));
    expect(await places(folder)).toEqual([
      ['unbounded-string', 'index.html', 2],
      ['long-form', 'index.html', 4],
    ]);
    await writeFile(path, html('data-composition-id="main" data-width="640" data-height="360"'));
    expect(await places(folder)).toEqual([['composition-unreadable', 'index.html', null]]);
    await writeFile(join(folder, 'teaser.html'), html(whole.replace('70', '7')));
    expect(await checkSource(folder, undefined, 'teaser.html')).toEqual([]);
  });

  test('one that does not exist is told as a failure', async () => {
    await expect(checkSource(join(folder, 'nowhere'))).rejects.toThrow(/nowhere is no folder/);
  });

  test.each(['', '[]', 'null', '{"id": 7}', '{', '\u0000'])('template.json holds %j', async (json) => {
    await good();
    await writeFile(join(folder, 'template.json'), json);
    const found = await checkSource(folder);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(['template-json']));
  });

  test('pages that are no HTML, scripts that are none, styles that are none', async () => {
    await good();
    await writeFile(join(folder, 'index.html'), Buffer.from([0xff, 0xfe, 0x3c, 0x00, 0x73, 0xc0, 0x80]));
    await writeFile(join(folder, 'a.js'), '\0{{{');
    await writeFile(join(folder, 'a.css'), '}}}{ url( @import @font-face { src: }');
    await writeFile(join(folder, 'a.svg'), '<svg');
    const rules = (await checkSource(folder)).map(({ rule, file, line }) => [rule, file, line]);
    expect(rules).toContainEqual(['encoding', 'index.html', 1]);
    expect(rules).toContainEqual(['script-syntax', 'a.js', 1]);
  });

  test('a page of 1 MB, with its flaw on the last line', async () => {
    const row = `<p class="row">${'x'.repeat(80)}</p>\n`;
    await page((html) => html.replace('    </script>', `    </script>\n${row.repeat(10_000)}<marquee>News</marquee>`));
    expect(await places(folder)).toEqual([['marquee', 'index.html', 10_024]]);
  });

  test('what is nested without end', async () => {
    await page((html) => html.replace('</body>', `${'<i>'.repeat(5_000)}<marquee></marquee></body>`));
    await writeFile(join(folder, 'deep.js'), '['.repeat(200_000));
    expect(await places(folder)).toEqual([
      ['script-syntax', 'deep.js', 1],
      ['marquee', 'index.html', 24],
    ]);
    await writeFile(join(folder, 'chain.js'), `x${'\n.y()'.repeat(20_000)}`);
    await expect(checkSource(folder)).rejects.toThrow(/nested too deeply/);
  });

  test('more than a worker should keep in memory', async () => {
    await good();
    await writeFile(join(folder, 'film.bin'), Buffer.alloc(33 * 1024 * 1024));
    expect(await places(folder)).toEqual([['folder-size', 'film.bin', null]]);
  });

  test('several flaws in files of several kinds are found together, each in its own file', async () => {
    await page((html) =>
      html
        .replace(
          '</head>',
          '<link rel="stylesheet" href="css/look.css"><script type="module" src="main.js"></script></head>',
        )
        .replace('<p id="name">', '<p id="name" style="background: url(https://cdn.example.com/a.png)">'),
    );
    await mkdir(join(folder, 'css'));
    await writeFile(
      join(folder, 'css/look.css'),
      '.a { background: url(../font.woff2); }\n.b { background: url(b.png); }\n',
    );
    await writeFile(join(folder, 'main.js'), "import { a } from './other.js';\nexport const b = a;\n");
    expect(await places(folder)).toEqual([
      ['file-missing', 'css/look.css', 2],
      ['remote-url', 'index.html', 13],
      ['file-missing', 'main.js', 1],
    ]);
  });

  test('a part that is put into the page has its files beside the page, but for what it takes from its own folder', async () => {
    await page((html) =>
      html.replace('</p>', '</p><div data-composition-id="part" data-composition-src="parts/card.html"></div>'),
    );
    await mkdir(join(folder, 'parts'));
    const part =
      '<template><style>\n@font-face { font-family: Own; src: url(font.woff2); }\n.a { background: url(../b.png); }\n</style>\n<img src="parts/a.png"><img src="a.png"></template>';
    await writeFile(join(folder, 'parts/card.html'), part);
    await writeFile(join(folder, 'parts/a.png'), '');
    expect((await places(folder)).filter(([rule]) => rule !== 'language-missing')).toEqual([
      ['file-missing', 'parts/card.html', 3],
      ['file-missing', 'parts/card.html', 5],
    ]);
  });

  test('what a minified library does inside is not held against the template', async () => {
    const library = `/*! Some library 1.0 */ setTimeout(()=>document.timeline.currentTime,1);`;
    await page((html) => html.replace('<script>', `<script>${library}</script>\n    <script>`));
    expect(await places(folder)).toEqual([]);
  });

  test('markup that comes to the same for everybody is no data', async () => {
    const script = `const dot = '<i></i>';
      name.innerHTML = dot + Array.from({ length: 3 }, (_, at) => \`<b>\${at}\${dot}</b>\`).join('');
      window.__hf`;
    await page((html) => html.replace('window.__hf', script));
    expect(await places(folder)).toEqual([]);
  });
});
