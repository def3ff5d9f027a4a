import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Params } from '../../src/contracts/video.ts';
import { canonicalParams, normaliseParams } from '../../src/planning/canonical-params.ts';
import { recipientIdProblem } from '../../src/planning/recipient-id.ts';
import { partsOf } from '../../src/planning/scene-key.ts';
import { variantKeyOf } from '../../src/planning/variant-key.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';

const json = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }), {
  noNullPrototype: true,
});

/** The same object with its members in reverse, all the way down. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

describe('canonical params', () => {
  test('are the RFC 8785 text, with every value in NFC', () => {
    expect(canonicalParams({ b: -0, a: 'Jose\u0301', '\u20ac': [1e21, 0.1, null, true, { z: 1, y: '<' }] })).toBe(
      '{"a":"José","b":0,"€":[1e+21,0.1,null,true,{"y":"<","z":1}]}',
    );
  });

  test('do not depend on the order of members', () => {
    fc.assert(
      fc.property(json, (params) => {
        expect(canonicalParams(reversed(params) as typeof params)).toBe(canonicalParams(params));
      }),
    );
  });

  test('normalising twice is normalising once', () => {
    fc.assert(
      fc.property(json, (params) => {
        const once = normaliseParams(params);
        expect(once.ok && normaliseParams(once.params)).toEqual(once);
      }),
    );
  });

  test('what is not JSON is a problem with its place, not its value', () => {
    expect(normaliseParams({ a: { 'b/c': ['x', 'bad \ud800 half'] } })).toEqual({
      ok: false,
      reason: 'is not valid Unicode',
      path: '/a/b~1c/1',
    });
    expect(normaliseParams({ n: Number.NaN })).toMatchObject({ ok: false, path: '/n' });
    expect(normaliseParams({ n: 1n })).toMatchObject({ ok: false, path: '/n' });
    expect(() => canonicalParams({ name: 'secret \udc00' })).toThrow(/^(?!.*secret).*\/name/);
  });
});

describe('variant keys', () => {
  const identity = {
    engineDigest: 'e',
    templateDigest: 't',
    params: { name: 'Ann', n: 1 },
    rendition: 'phone-720p',
  } as const;

  test('are the sha256 of a JSON array, the same on every machine', () => {
    const text = '[["variant","e","t","phone-720p"],{"n":1,"name":"Ann"}]';
    expect(variantKeyOf(identity)).toBe(createHash('sha256').update(text).digest('hex'));
    expect(variantKeyOf({ ...identity, params: { n: 1, name: 'Ann' } })).toBe(variantKeyOf(identity));
  });

  test('differ when any part differs, and parts cannot run into one another', () => {
    const keys = [
      identity,
      { ...identity, engineDigest: 'et', templateDigest: '' },
      { ...identity, engineDigest: '', templateDigest: 'et' },
      { ...identity, engineDigest: 'e","t' },
      { ...identity, rendition: 'web-1080p' as const },
      { ...identity, params: { name: 'Ann', n: '1' } },
      { ...identity, params: { name: 'ann', n: 1 } },
      { ...identity, params: {} },
      { ...identity, assembly: 'scenes' as const },
    ].map(variantKeyOf);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('are equal exactly when the params are', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const same = variantKeyOf({ ...identity, params: a }) === variantKeyOf({ ...identity, params: b });
        expect(same).toBe(canonicalParams(a) === canonicalParams(b));
      }),
    );
  });
});

describe('keys of parts', () => {
  const tiny = () => loadTemplate(resolve(import.meta.dirname, '../fixtures/templates/tiny'));
  const scenes = [
    { id: 'hello', start: 0, end: 20, params: ['name'] },
    { id: 'count', start: 20, end: 50, params: ['n'] },
    { id: 'end', start: 50, end: 64, params: [] },
  ];
  const keysFor = async (params: Params, changes: Partial<Template> = {}, engineDigest = 'e') => {
    const template = { ...(await tiny()), placeholder: { name: 'Alex', n: 0 }, scenes, ...changes };
    return partsOf({ engineDigest, template, rendition: 'phone-720p' }, params).map(({ key }) => key);
  };

  test('a template without scenes has none; else there is one for the sound and one for each scene', async () => {
    expect(await keysFor({ name: 'Ann', n: 1 }, { scenes: [] })).toEqual([]);
    const keys = await keysFor({ name: 'Ann', n: 1 });
    expect(new Set(keys).size).toBe(4);
  });

  test('differ exactly in the scenes that declare a param that differs', async () => {
    const [sound, hello, count, end] = await keysFor({ name: 'Ann', n: 1 });
    expect(await keysFor({ name: 'Bob', n: 1 })).toEqual([sound, expect.not.stringMatching(`^${hello}$`), count, end]);
    expect(await keysFor({ name: 'Ann', n: 2 })).toEqual([sound, hello, expect.not.stringMatching(`^${count}$`), end]);
    expect(await keysFor({ n: 2 })).not.toContain(hello);
  });

  test("the soundtrack's differs with its own params, and is the same for every rendition", async () => {
    const [sound, ...rest] = await keysFor({ name: 'Ann', n: 1 }, { soundtrackParams: ['n'] });
    expect(await keysFor({ name: 'Ann', n: 2 }, { soundtrackParams: ['n'] })).not.toContain(sound);
    const template = { ...(await tiny()), placeholder: { name: 'Alex', n: 0 }, scenes, soundtrackParams: ['n'] };
    const email = partsOf({ engineDigest: 'e', template, rendition: 'email-480p' }, { name: 'Ann', n: 1 });
    expect(email[0]?.key).toBe(sound);
    expect(email.slice(1).some(({ key }) => rest.includes(key))).toBe(false);
  });

  test('differ with the engine, the template and the place of the scene', async () => {
    const params = { name: 'Ann', n: 1 };
    const keys = await keysFor(params);
    const moved = scenes.map((scene) => (scene.id === 'hello' ? { ...scene, end: 21 } : scene));
    const others = [...(await keysFor(params, {}, 'other')), ...(await keysFor(params, { digest: 'other' }))];
    expect(others.some((key) => keys.includes(key))).toBe(false);
    expect((await keysFor(params, { scenes: moved }))[1]).not.toBe(keys[1]);
  });

  test('params that a part does not declare never reach it', async () => {
    const template = { ...(await tiny()), placeholder: { name: 'Alex', n: 0 }, scenes };
    const parts = partsOf({ engineDigest: 'e', template, rendition: 'phone-720p' }, { name: 'Ann', n: 1 });
    expect(parts.map(({ scene, params }) => [scene?.id, params])).toEqual([
      [undefined, { name: 'Alex', n: 0 }],
      ['hello', { name: 'Ann', n: 0 }],
      ['count', { name: 'Alex', n: 1 }],
      ['end', { name: 'Alex', n: 0 }],
    ]);
  });
});

describe('recipient IDs', () => {
  test.each(['1', 'a b', 'shop/42', '../x', 'käufer-7', '🦊', '美咲', 'x'.repeat(512)])('%j is one', (id) => {
    expect(recipientIdProblem(id)).toBeNull();
  });

  test.each([null, '', ' ', '\u00a0', 'a\nb', 'a\u0000', '\u0085x', 'half \ud83d', 'x'.repeat(513), 'é'.repeat(257)])(
    '%j is none',
    (id) => {
      expect(recipientIdProblem(id)).toMatch(/^the recipient ID /);
    },
  );
});
