/** docs/tutorial.md does what it says: what needs no server is run from the page, in a project of its own. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadCampaign } from '../../src/config/campaign.ts';
import { loadTemplate } from '../../src/templates/template.ts';
import { Runbook } from '../support/runbook.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/tutorial.md');

let folder: string;
let project: string;
let page: Runbook;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-tutorial-'));
  project = join(folder, 'first-night');
  page = await Runbook.read(PAGE);
});
afterAll(() => rm(folder, { recursive: true }));

/** Half a second of it, to have it rendered in a moment. */
async function shorten(): Promise<void> {
  const path = join(project, 'templates/welcome/template.json');
  const { scenes: _, ...template } = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...template, durationMs: 500, fps: 10 }));
}

test('from nothing to the videos of a list, and a campaign file that holds', async () => {
  const start = page.under('A project', folder, { PATH: process.env['PATH'] ?? '', HOME: folder });
  await start.run(/./, { NIGHTREEL: ROOT });
  const { variables } = start;
  const run = (heading: string, which: string | RegExp = /./) => page.under(heading, project, variables).run(which);
  await run('A template');
  expect((await loadTemplate(join(project, 'templates/welcome'))).html).toContain('Your year with us');
  await run('Check it', 'nightreel check welcome --static');
  await shorten();
  await run('Render a list');
  expect((await readdir(join(project, 'videos'))).filter((name) => name.endsWith('.mp4'))).toEqual([
    '42.mp4',
    '43.mp4',
  ]);

  const [, yaml = ''] = /^```yaml\n(.*?)^```$/ms.exec(await readFile(PAGE, 'utf8')) ?? [];
  await writeFile(join(project, 'campaigns/welcome.yaml'), yaml);
  expect(await loadCampaign(project, 'welcome')).toMatchObject({ template: 'welcome', source: { path: 'people.csv' } });
}, 240_000);

test('only what waits for somebody, takes minutes or needs servers was not run', async () => {
  expect(page.untested.map((command) => command.replace(/^\d+: /, ''))).toEqual([
    'nightreel preview welcome',
    'nightreel check welcome',
    // As test/cli/init.test.ts does.
    'nightreel render welcome --out welcome.mp4 --rendition email-480p',
    'nightreel up',
    'nightreel delta welcome',
    'nightreel serve --workers 1',
    'nightreel run welcome',
    'nightreel report',
    'nightreel recipient welcome 42',
    'nightreel schedule apply welcome',
    'nightreel schedule list',
    'nightreel schedule delete welcome',
    'nightreel down',
  ]);
  expect(page.unknown).toEqual([]);
});
