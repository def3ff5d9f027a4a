/** Which campaign goes first, by its deadline. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { BatchRef } from '../../src/contracts/ids.ts';
import { priorityOf } from '../../src/workflows/priority.ts';

const NOW = Date.parse('2026-11-24T04:00:00Z');
const batch = { campaign: 'referral', businessDate: '2026-11-23', attempt: 1 } as BatchRef;
const due = (at: string) => ({ batch, limits: { breaker: null, deadline: { at, whenLate: 'finish' as const } } });

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a child of a batch', () => {
  test.each([
    ['has no deadline', { batch, limits: { breaker: null, deadline: null } }, 3],
    ['is of before there were any', { batch }, 3],
    ['has more than two hours', due('2026-11-24T06:00:00.001Z'), 3],
    ['has two hours', due('2026-11-24T06:00:00Z'), 3],
    ['has less', due('2026-11-24T05:59:59.999Z'), 2],
    ['is late', due('2026-11-24T03:59:00Z'), 2],
  ] as const)(
    'of a night that %s takes its turn by its campaign, before the others or with them',
    (_, night, priorityKey) => {
      expect(priorityOf(night)).toEqual({ priorityKey, fairnessKey: 'referral' });
    },
  );

  test('becomes urgent while its night goes on', () => {
    const night = due('2026-11-24T11:00:00Z');
    expect(priorityOf(night).priorityKey).toBe(3);
    jest.setSystemTime(NOW + 5.5 * 3_600_000);
    expect(priorityOf(night).priorityKey).toBe(2);
  });
});
