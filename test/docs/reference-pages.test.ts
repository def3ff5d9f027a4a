/** docs/reference and docs/schemas are what the schemas in the code say, and hold for the files that come with Nightreel. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { referenceFiles } from '../../scripts/build-reference.ts';
import { fieldsOf, takenBy } from '../../scripts/schema-fields.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

test('every page and every schema is up to date: `npm run build:reference` writes them', async () => {
  const files = [...referenceFiles()];
  for (const [path, wanted] of files) {
    const there = await text(`docs/${path}`);
    if (path.endsWith('.json')) expect([path, JSON.parse(there)]).toEqual([path, JSON.parse(wanted)]);
    else expect([path, there]).toEqual([path, wanted]);
  }
  const listed = await Promise.all(['reference', 'schemas'].map((folder) => readdir(join(ROOT, 'docs', folder))));
  expect(listed.flat().sort()).toEqual(files.map(([path]) => path.split('/').at(-1)).sort());
});

async function validator(name: string): Promise<ValidateFunction> {
  return new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(await text(`docs/schemas/${name}.schema.json`)),
  );
}

test('an editor that knows the schemas finds nothing wrong with what comes with Nightreel, and a misspelt field', async () => {
  const [isTemplate, isCampaign] = [await validator('template'), await validator('campaign')];
  for (const id of await readdir(join(ROOT, 'templates'))) {
    const template = JSON.parse(await text(`templates/${id}/template.json`));
    expect([id, isTemplate(template), isTemplate.errors]).toEqual([id, true, null]);
    expect(isTemplate({ ...template, widht: 1920 })).toBe(false);
  }
  const campaign = parse(await text('campaigns/referral.yaml'));
  expect([isCampaign(campaign), isCampaign.errors]).toEqual([true, null]);
  expect(isCampaign({ ...campaign, lane: {} })).toBe(false);
});

test("every variable of Nightreel's own that the code names is on the page", async () => {
  const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const named = new Set<string>();
  for (const path of sources) {
    for (const [name] of (await text(`src/${path}`)).matchAll(/\bNIGHTREEL_[A-Z0-9_]*[A-Z0-9]\b/g)) named.add(name);
  }
  const page = referenceFiles().get('reference/environment.md') ?? '';
  expect([...named].filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});

test('bounds and choices are told in words', () => {
  expect(takenBy({ type: 'integer', minimum: 0, maximum: 10_000 })).toBe('whole number, 0 to 10,000');
  expect(takenBy({ anyOf: [{ type: 'number', exclusiveMinimum: 0, maximum: 1 }, { type: 'null' }] })).toBe(
    'number, above 0, up to 1; or null',
  );
  expect(takenBy({ type: 'array', minItems: 1, items: { enum: ['a', '\t'] } })).toBe('list of `a` or `\\t`, not empty');
  expect(() => fieldsOf({ properties: { a: { description: 'A.', properties: { b: {} } } } })).toThrow('a.b');
});
