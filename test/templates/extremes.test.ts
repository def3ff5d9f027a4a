import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/contracts/failures.ts';
import { type Extreme, extremesOf, MARKUP, SHORT_MARKUP, samplesOf } from '../../src/templates/extremes.ts';
import { compileParams } from '../../src/templates/params.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';

const REFERRAL = resolve(import.meta.dirname, '../../templates/referral');

async function templateWith(
  properties: Record<string, unknown>,
  example: Record<string, unknown>,
  required = Object.keys(properties),
): Promise<Template> {
  const paramsSchema = { type: 'object', additionalProperties: false, required, properties };
  const validateParams = compileParams(paramsSchema, (what) => new Failure('TemplateInvalid', what));
  return { ...(await loadTemplate(REFERRAL)), paramsSchema, placeholder: example, example, validateParams };
}

const named = (extremes: readonly Extreme[], label: string): unknown =>
  extremes.find((extreme) => extreme.label === label)?.params;

describe('the extremes of a schema', () => {
  test('are all valid, differ from each other, and say what they are', async () => {
    const template = await loadTemplate(REFERRAL);
    const extremes = extremesOf(template);
    for (const { params } of extremes) expect(template.validateParams(params)).toMatchObject({ ok: true });
    expect(new Set(extremes.map(({ params }) => JSON.stringify(params))).size).toBe(extremes.length);
    expect(extremes.map(({ label }) => label)).toEqual([
      'longest texts, in words',
      'longest texts, in one word',
      'texts of one letter',
      'Arabic',
      'Hebrew',
      'Chinese and Japanese',
      'Korean',
      'Devanagari',
      'Thai',
      'Cyrillic',
      'Greek',
      'emoji joined to one',
      'combining marks',
      'HTML',
      'the end of a statement',
      'zero',
      'smallest numbers',
      'largest numbers',
    ]);
    expect(named(extremes, 'longest texts, in one word')).toMatchObject({ name: 'W'.repeat(60) });
    expect(named(extremes, 'HTML')).toMatchObject({ name: MARKUP });
    expect(named(extremes, 'largest numbers')).toMatchObject({ earnings: 10_000_000, nextMilestone: 100_000 });
    // 0 is no milestone, and stays what it is in the example.
    expect(named(extremes, 'zero')).toMatchObject({ referralCount: 0, nextMilestone: 15 });
    expect(
      samplesOf(template)
        .map(({ label }) => label)
        .slice(0, 2),
    ).toEqual(['example', 'placeholder']);
  });

  test('keep a joined emoji whole, or leave it out', async () => {
    const short = extremesOf(await templateWith({ tag: { type: 'string', maxLength: 8 } }, { tag: 'abc' }));
    expect(named(short, 'emoji joined to one')).toEqual({ tag: '👩‍👩‍👧‍👦' });
    const shorter = extremesOf(await templateWith({ tag: { type: 'string', maxLength: 3 } }, { tag: 'abc' }));
    expect(named(shorter, 'emoji joined to one')).toEqual({ tag: '🦊' });
    expect(named(short, 'HTML')).toEqual({ tag: SHORT_MARKUP });
    expect(named(short, 'empty texts')).toEqual({ tag: '' });
  });

  test('reach into lists and objects, try every choice, and leave out what is optional', async () => {
    const template = await templateWith(
      {
        tier: { enum: ['gold', 'silver'] },
        isNew: { type: 'boolean' },
        friends: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 5 } },
        place: {
          type: 'object',
          required: ['city'],
          properties: { city: { type: 'string', minLength: 2, maxLength: 4 }, distance: { type: 'number' } },
        },
        share: { type: 'number', exclusiveMinimum: 0, maximum: 1, multipleOf: 0.25 },
      },
      { tier: 'gold', isNew: true, friends: ['Ada'], place: { city: 'Rom', distance: 2 }, share: 0.5 },
      ['tier', 'friends', 'place'],
    );
    const extremes = extremesOf(template);
    for (const { params } of extremes) expect(template.validateParams(params)).toMatchObject({ ok: true });
    expect(named(extremes, 'longest texts, in one word')).toMatchObject({
      friends: ['WWWWW'],
      place: { city: 'WWWW' },
    });
    expect(named(extremes, 'texts of one letter')).toMatchObject({ place: { city: 'ii', distance: 2 } });
    expect(named(extremes, 'largest numbers')).toMatchObject({ place: { distance: 999_999_999_999 }, share: 1 });
    expect(named(extremes, 'smallest numbers')).toMatchObject({ share: 0.25 });
    expect(named(extremes, 'empty lists')).toMatchObject({ friends: [] });
    expect(named(extremes, 'long lists')).toMatchObject({ friends: ['Ada', 'Ada', 'Ada'] });
    expect(named(extremes, `'tier' is "silver"`)).toMatchObject({ tier: 'silver', isNew: true });
    expect(named(extremes, "'isNew' is false")).toMatchObject({ isNew: false });
    expect(Object.keys(named(extremes, 'nothing that is optional') ?? {})).toEqual(['tier', 'friends', 'place']);
  });

  test('follow references and choices of a schema', async () => {
    const template = await templateWith(
      {
        name: { $ref: '#/properties/nickname' },
        nickname: { type: 'string', maxLength: 5 },
        amount: { anyOf: [{ type: 'null' }, { type: 'number', minimum: 0, maximum: 9 }] },
        tier: { oneOf: [{ const: 'gold' }, { const: 'silver' }] },
        place: { allOf: [{ type: 'object' }, { properties: { city: { type: 'string', maxLength: 4 } } }] },
        tree: { type: 'object', properties: { left: { $ref: '#/properties/tree' }, right: { $ref: '#' } } },
      },
      { name: 'Ada', nickname: 'A', amount: 1, tier: 'gold', place: { city: 'Rom' }, tree: {} },
    );
    const extremes = extremesOf(template);
    for (const { params } of extremes) expect(template.validateParams(params)).toMatchObject({ ok: true });
    expect(named(extremes, 'longest texts, in one word')).toMatchObject({
      name: 'WWWWW',
      nickname: 'WWWWW',
      place: { city: 'WWWW' },
    });
    expect(named(extremes, 'largest numbers')).toMatchObject({ amount: 9 });
    expect(named(extremes, `'tier' is "silver"`)).toMatchObject({ tier: 'silver' });
  });

  test('are none where the schema leaves no choice', async () => {
    expect(
      extremesOf(await templateWith({ code: { type: 'string', pattern: '^A-[0-9]{4}$' } }, { code: 'A-0001' })),
    ).toEqual([]);
  });
});
