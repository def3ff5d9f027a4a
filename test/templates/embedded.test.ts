/** The templates that ship with Nightreel are what their sources give. */

import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { embedTemplate } from '../../scripts/embed-template.ts';

const TEMPLATES = resolve(import.meta.dirname, '../../templates');
const embedded = (await readdir(TEMPLATES)).filter((name) => existsSync(join(TEMPLATES, name, 'source/index.html')));

test.each(embedded)('the page of %s is what its sources give, and the files beside it are there', (name) => {
  const folder = join(TEMPLATES, name);
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  expect(page === embedTemplate(join(folder, 'source'))).toBe(true);
  const beside = [...page.matchAll(/url\(((?!data:)[^)\s]+\.woff2)\)|<audio\b[^>]*\ssrc="([^"]+)"/g)];
  const missing = beside
    .map(([, font, sound]) => font ?? sound ?? '')
    .filter((file) => !existsSync(join(folder, file)));
  expect(missing).toEqual([]);
});
