import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compareStamps,
  compareWatermarks,
  isAfterWatermark,
  laterWatermark,
  stampFromNanoseconds,
  stampToNanoseconds,
} from '../../src/warehouse/watermark.ts';

describe('stamps', () => {
  test('compare as instants, whatever precision and offset they are written in', () => {
    expect(compareStamps('2026-11-23T03:00:00Z', '2026-11-23T03:00:00.000000Z')).toBe(0);
    expect(compareStamps('2026-11-23T03:00:00.1Z', '2026-11-23T03:00:00.099999Z')).toBe(1);
    expect(compareStamps('2026-11-23T03:00:00.123456789Z', '2026-11-23T03:00:00.12345679Z')).toBe(-1);
    expect(compareStamps('2026-11-22T22:00:00-05:00', '2026-11-23T03:00:00Z')).toBe(0);
  });

  test('keep every nanosecond there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (nanoseconds) => {
        const text = stampFromNanoseconds(nanoseconds);
        expect(text && stampToNanoseconds(text)).toBe(nanoseconds);
      }),
    );
  });

  test('are written with six digits, or nine when they need them', () => {
    expect(stampFromNanoseconds(0n)).toBe('1970-01-01T00:00:00.000000Z');
    expect(stampFromNanoseconds(1_001n)).toBe('1970-01-01T00:00:00.000001001Z');
    expect(stampFromNanoseconds(10n ** 30n)).toBeNull();
  });

  test('a text that is no instant is none', () => {
    for (const text of ['', 'yesterday', '2026-11-23', '2026-11-23 03:00:00', '2026-02-30T00:00:00Z']) {
      expect(stampToNanoseconds(text)).toBeNull();
    }
  });
});

describe('watermarks', () => {
  const at = '2026-11-23T03:00:00Z';
  test('are ordered by stamp, then by ID in bytes, with "all of it left" first and "none of it left" last', () => {
    const inOrder = [
      null,
      { updatedAt: '2026-11-23T02:59:59.999999Z', recipientId: null },
      { updatedAt: at, recipientId: '' },
      { updatedAt: at, recipientId: 'Z' },
      { updatedAt: at, recipientId: 'a' },
      // U+FF5E comes before U+1F319 in UTF-8 and after it in UTF-16.
      { updatedAt: at, recipientId: '\uFF5E' },
      { updatedAt: at, recipientId: '🌙' },
      { updatedAt: at, recipientId: null },
      { updatedAt: '2026-11-23T03:00:00.000001Z', recipientId: '' },
    ];
    expect(inOrder.toReversed().sort(compareWatermarks)).toEqual(inOrder);
    expect(laterWatermark(inOrder[3] ?? null, inOrder[2] ?? null)).toBe(inOrder[3]);
  });

  test("'' leaves all of its instant to be read, null none of it", () => {
    const row = { updatedAt: '2026-11-23T03:00:00.000Z', recipientId: 'a' };
    expect(isAfterWatermark(row, { updatedAt: at, recipientId: '' })).toBe(true);
    expect(isAfterWatermark(row, { updatedAt: at, recipientId: 'a' })).toBe(false);
    expect(isAfterWatermark({ ...row, recipientId: null }, { updatedAt: at, recipientId: 'zzz' })).toBe(true);
    expect(isAfterWatermark({ ...row, recipientId: null }, { updatedAt: at, recipientId: null })).toBe(false);
  });
});
