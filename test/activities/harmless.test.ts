/** What a template says of its recipients does not get through, in whatever form it says it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { harmlessWords, withoutPersonalData } from '../../src/activities/harmless.ts';
import { Failure } from '../../src/contracts/failures.ts';

const html = `<script>
  const greeting = (params) => { console.warn('no scene for', params.name, 'with tier', tier(params)); };
  throw new RangeError(\`cannot draw \${params.name} with \${params.earnings} in frame 12\`); const Grace = 1;
  const font = 'data:font/woff2;base64,${'d09GMgABAAAAAAQ3Ada4'.repeat(6)}';
</script>`;
const template = {
  files: new Map([
    ['index.html', Buffer.from(html)],
    ['names.json', Buffer.from('["Okonkwo"]')],
  ]),
};
const params = { name: 'Grace O’Brien', earnings: 98765, city: { town: 'Łódź' }, initial: 'G', vip: true };
const harmless = harmlessWords(params, template);

describe('of what a template says', () => {
  test('its own words stay, and values become the names of their params', () => {
    expect(harmless('no scene for Grace O’Brien with 98765')).toBe('no scene for ‹name› with ‹earnings›');
    expect(harmless("Cannot read properties of undefined (reading 'greeting')")).toBe(
      "Cannot read properties of undefined (reading 'greeting')",
    );
  });

  test.each([
    ['in capitals', 'no scene for GRACE O’BRIEN', /grace|brien/i],
    ['in part, also where the part is a word of the template', 'cannot draw Grace', /grace/i],
    ['formatted', 'with $98,765.00 in frame', /\d/],
    ['calculated', 'earnings of 197530', /\d/],
    ['cut', 'cannot draw Gra', /Gra/],
    ['backwards', 'cannot draw ecarG', /ecarG/],
    ['by initials', 'cannot draw GO', /GO/],
    ['by one letter', 'cannot draw G', /G/],
    ['in other params', 'town ŁÓDŹ', /łódź/i],
    ['between marks of ours', 'for ‹Gracie›', /Gracie/],
    ['from a data file', 'cannot draw Okonkwo', /Okonkwo/],
    ['of whoever was there before', 'cannot draw Wilhelmina', /Wilhelmina/],
    ['from an embedded font', 'cannot draw Ada', /Ada/],
    ['as an emoji', 'no scene for 👩‍🚀', /🚀|👩/],
    ['yes or no', 'with tier true', /true/],
  ])('a recipient does not get through %s', (_, text, forbidden) => {
    expect(harmless(text)).not.toMatch(forbidden);
    expect(harmless(text)).toMatch(/…|‹/);
  });

  test('what is left out is left out once, and what moves a cursor is, too', () => {
    expect(harmless('for Ottilie Quillfeather Lindqvist,\u001b[31m with')).toBe('for … with');
  });

  test('a word of the template that a param only chose stays: docs/why.md says so', async () => {
    expect(harmlessWords({ earnings: 98765 }, template)('cannot draw scene with tier')).toBe(
      'cannot draw scene with tier',
    );
    const page = await readFile(join(import.meta.dirname, '../../docs/why.md'), 'utf8');
    expect(page).toContain('`gold` is in its script and was chosen by what somebody');
  });

  test('of an unknown template nothing stays but the words of the browser', () => {
    expect(harmlessWords({}, null)('TypeError: greeting is not a function')).toBe('TypeError: … is not a function');
  });
});

describe('a failure that may quote a recipient', () => {
  const failing = (error: Error) =>
    withoutPersonalData(
      params,
      () => template,
      async () => {
        throw error;
      },
    ).catch((thrown: unknown) => thrown as Failure);

  test('keeps its class and its own words, and of all others the harmless ones', async () => {
    const cause = new Error('cannot draw 98,765', { cause: new RangeError('GRACE O’BRIEN is too wide') });
    const detail = 'cannot draw GRACE';
    const failure = await failing(new Failure('TemplateCrashed', 'It threw for Grace O’Brien.', { cause, detail }));
    const { failureClass, message, detail: said, cause: causes } = failure;
    expect({ failureClass, message, said, causes }).toEqual({
      failureClass: 'TemplateCrashed',
      message: 'It threw for ‹name›.',
      said: 'cannot draw …',
      causes: 'cannot draw … <- … is too …',
    });
    expect(failure.stack).toMatch(/^TemplateCrashed: It threw for ‹name›\.\n {4}at .*harmless\.test\.ts/);
  });

  test('that is none of ours says harmless words alone, also in its stack', async () => {
    const failure = await failing(new TypeError('cannot draw GRACE\nwith $98,765.00'));
    expect(failure).toMatchObject({ failureClass: 'Internal', message: 'cannot draw … with …' });
    expect(`${failure.stack} ${String(failure.cause)}`).not.toMatch(/grace|98,765/i);
    expect(failure.stack).toContain('\n    at ');
  });
});
