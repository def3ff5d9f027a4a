import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/contracts/failures.ts';
import { checkPointerPattern, encodeRecipientId, pointerKey } from '../../src/storage/pointer-keys.ts';

describe('encoding a recipient ID', () => {
  test.each([
    ['u-000123', 'u-000123'],
    ['ada@example.com', 'ada%40example.com'],
    ['a/b', 'a%2Fb'],
    ['a%2Fb', 'a%252Fb'],
    ['two words', 'two%20words'],
    ['Zoë', 'Zo%C3%AB'],
    ['李雷', '%E6%9D%8E%E9%9B%B7'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['../../state/referral', '..%2F..%2Fstate%2Freferral'],
    ["o'neil(1)*!~", 'o%27neil%281%29%2A%21%7E'],
  ])('%s becomes %s', (id, encoded) => {
    expect(encodeRecipientId(id)).toBe(encoded);
  });

  test('uses safe characters only, in at most 165 bytes, and an ID that was not cut can be read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }), (id) => {
        const encoded = encodeRecipientId(id);
        expect(encoded).toMatch(/^[A-Za-z0-9._%~-]{1,165}$/);
        expect(encoded).not.toMatch(/^\.+$/);
        if (!encoded.includes('~')) expect(decodeURIComponent(encoded)).toBe(id);
      }),
    );
  });

  test('gives two long IDs with the same beginning two keys', () => {
    const [a, b] = [encodeRecipientId(`${'é'.repeat(300)}1`), encodeRecipientId(`${'é'.repeat(300)}2`)];
    expect(a).toMatch(/^(%C3%A9){16}%C3~[0-9a-f]{64}$/);
    expect(a).not.toBe(b);
  });

  test.each(['', 'half \ud83d'])('refuses %j', (id) => {
    expect(() => encodeRecipientId(id)).toThrow(Failure);
  });
});

describe('a pointer pattern', () => {
  test('fills in campaign, recipient and two digits that spread the keys', () => {
    expect(pointerKey('users/{recipientId}.json', 'referral', 'a/b')).toBe('users/a%2Fb.json');
    expect(pointerKey('people/{hash2}/{campaign}-{recipientId}/now.json', 'referral', 'u1')).toBe(
      'people/bb/referral-u1/now.json',
    );
  });

  test('takes a recipient whose ID looks like a placeholder literally', () => {
    expect(pointerKey('users/{recipientId}.json', 'referral', '{campaign}')).toBe('users/%7Bcampaign%7D.json');
  });

  test.each([
    ['users/fixed.json', 'must have {recipientId}, once'],
    ['users/{recipientId}/{recipientId}.json', 'must have {recipientId}, once'],
    ['users/{id}.json', 'has {id}'],
    ['videos/{recipientId}.json', 'must begin with a folder of its own'],
    ['estimates/{recipientId}.json', 'must begin with a folder of its own'],
    ['{campaign}/{recipientId}.json', 'must begin with a folder of its own'],
    ['/users/{recipientId}.json', 'empty'],
    ['users/../{recipientId}.json', 'empty'],
    ['users/{recipientId} now.json', 'may have only letters'],
    [`users/${'x'.repeat(90)}{recipientId}.json`, 'too long'],
  ])('%s is refused: %s', (pattern, why) => {
    expect(() => checkPointerPattern(pattern)).toThrow(why);
  });
});
