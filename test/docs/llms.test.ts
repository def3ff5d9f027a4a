/** docs/llms.txt: its example is a template without a fault, and what it names is there. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkSource } from '../../src/checking/check-source.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { samplesOf } from '../../src/templates/extremes.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { never } from '../rendering/browser-support.ts';
import { keptLog, ROOT, startRenderer } from '../rendering/support.ts';

/** A file of the example: its path in a line of its own, then its text. */
const FILE = /^(templates\/\S+)\n\n```\w+\n(.*?)^```$/gms;
/** Where its folder and its fonts come from. */
const COMMANDS = /^```sh\n(mkdir .*?)^```$/ms;

let project: string;
let page: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-llms-'));
  page = await readFile(join(ROOT, 'docs/llms.txt'), 'utf8');
  const [, commands = ''] = COMMANDS.exec(page) ?? [];
  await promisify(execFile)('bash', ['-euc', commands], { cwd: project, env: { ...process.env, NIGHTREEL: ROOT } });
  for (const [, path = '', text = ''] of page.matchAll(FILE)) await writeFile(join(project, path), text);
});
afterAll(() => rm(project, { recursive: true }));

test('the example has no finding in its files, and draws the same after others, without a word in the log', async () => {
  const folder = join(project, 'templates/welcome');
  expect(await checkSource(folder)).toEqual([]);
  const template = await loadTemplate(folder);
  const log = keptLog();
  await using renderer = await startRenderer(template, { log });
  const rendition = { ...RENDITIONS['email-480p'], shortSide: 240 };
  /** The frames around each cut. */
  const drawn = async (params: Readonly<Record<string, unknown>>): Promise<string> => {
    const hash = createHash('sha256');
    for (const { start } of template.scenes) {
      const scene = { start: Math.max(0, start - 2), end: start + 2 };
      await renderer.capture({ template, params, rendition, scene }, ({ data }) => void hash.update(data), {
        signal: never,
      });
    }
    return hash.digest('hex');
  };
  const first = await drawn(template.example);
  const others = [];
  for (const { params } of samplesOf(template).slice(0, 4)) others.push(await drawn(params));
  expect(new Set(others).size).toBeGreaterThan(2);
  expect(await drawn(template.example)).toBe(first);
  expect(log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
}, 60_000);

test('it is short enough to be read at once, and every rule that it names is one of docs/check.md', async () => {
  expect(Buffer.byteLength(page)).toBeLessThanOrEqual(16 * 1024);
  const rules = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| mistake'))
    .flatMap((line) => [...(line.split('|')[2] ?? '').matchAll(/`([\w-]+)`/g)].map(([, rule = '']) => rule));
  const known = await readFile(join(ROOT, 'docs/check.md'), 'utf8');
  expect(rules.length).toBeGreaterThan(30);
  expect(rules.filter((rule) => !known.includes(`\`${rule}\``))).toEqual([]);
});
