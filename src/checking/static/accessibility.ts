/** What readers of the page, people and shapers of text alike, must be told. */

import { found } from '../rules.ts';
import type { StaticCheck } from './static-check.ts';

export const accessibility: StaticCheck = {
  id: 'accessibility',
  run({ entry }) {
    if (entry === null) return [];
    const root = entry.elements.find(({ tag }) => tag === 'html');
    if ((root?.attributes.get('lang') ?? '').trim() !== '') return [];
    const place = root?.place ?? { file: entry.file.path, line: null };
    return [found('language-missing', place, 'The page does not say which language it is in.')];
  },
};
