import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalParams, normaliseParams } from '../../src/planning/canonical-params.ts';
import { recipientIdProblem } from '../../src/planning/recipient-id.ts';
import { variantKeyOf } from '../../src/planning/variant-key.ts';

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
