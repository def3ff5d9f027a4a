import { describe, expect, test } from '@jest/globals';
import { nightCalendar } from '../../src/config/business-date.ts';
import type { BusinessDate } from '../../src/contracts/ids.ts';
import { type CampaignState, NEW_CAMPAIGN, type PlanDocument } from '../../src/planning/manifest.ts';
import { type PlannedWindow, planWindow, type Settlement, stateAfter } from '../../src/planning/window.ts';
import { campaign, date } from './support.ts';

const schedule = { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], at: '23:00', timeZone: 'America/New_York' } as const;
type Prior = Pick<PlanDocument, 'batch' | 'window' | 'csvKey'>;

const NOBODY: Settlement = { owed: [], delivered: new Set() };

/** A campaign that is planned and closed night by night, everything read each time unless told otherwise. */
class Nights {
  state: CampaignState = NEW_CAMPAIGN;
  readonly plans: (Prior & Pick<PlanDocument, 'watermark' | 'carriedOver'>)[] = [];

  window(businessDate: BusinessDate, asOf: string): PlannedWindow {
    return planWindow({
      state: this.state,
      businessDate,
      asOf,
      priorPlans: this.plans,
      ...nightCalendar(businessDate, asOf, schedule),
    });
  }

  run(businessDate: BusinessDate, asOf: string, { close = true, upTo = '' } = {}): PlannedWindow {
    const window = this.window(businessDate, asOf);
    const attempt = 1 + this.plans.filter(({ batch }) => batch.businessDate === businessDate).length;
    const plan = {
      batch: { campaign, businessDate, attempt },
      window: { since: window.since, until: window.until },
      watermark: window.moves ? { updatedAt: upTo || window.until, recipientId: upTo ? 'r40' : null } : null,
      csvKey: null,
      carriedOver: [],
    };
    this.plans.push(plan);
    if (close) this.state = stateAfter(this.state, plan, NOBODY);
    return window;
  }
}

const [fri, mon, tue, wed] = [date('2026-11-20'), date('2026-11-23'), date('2026-11-24'), date('2026-11-25')];
const night = {
  fri: '2026-11-21T04:00:00Z',
  mon: '2026-11-24T04:00:00Z',
  tue: '2026-11-25T04:00:00Z',
  wed: '2026-11-26T04:00:00Z',
};
const upTo = (updatedAt: string) => ({ updatedAt, recipientId: null });

describe('the window of a batch', () => {
  test('the first night reads from the beginning, the next one from the watermark', () => {
    const nights = new Nights();
    expect(nights.run(mon, night.mon)).toMatchObject({
      rule: 'first-night',
      since: null,
      until: night.mon,
      moves: true,
    });
    expect(nights.run(tue, night.tue)).toMatchObject({
      rule: 'next-night',
      since: upTo(night.mon),
      until: night.tue,
      moves: true,
    });
  });

  test('the same night again starts where its first attempt started, closed or not, and never ends earlier', () => {
    const nights = new Nights();
    nights.run(mon, night.mon);
    nights.run(tue, '2026-11-24T15:00:00Z', { close: false });
    expect(nights.run(tue, '2026-11-24T16:00:00Z')).toMatchObject({
      rule: 'same-night',
      since: upTo(night.mon),
      until: '2026-11-24T16:00:00Z',
    });
    expect(nights.run(tue, '2026-11-24T14:00:00Z')).toMatchObject({
      since: upTo(night.mon),
      until: '2026-11-24T16:00:00Z',
    });
    expect(nights.state.watermark).toEqual(upTo('2026-11-24T16:00:00Z'));
  });

  test('a smaller slice of the same night does not move the watermark back', () => {
    const nights = new Nights();
    nights.run(mon, night.mon, { upTo: '2026-10-02T00:00:00Z' });
    const small = nights.window(mon, night.mon);
    expect(small).toMatchObject({ rule: 'same-night', since: null });
    nights.run(mon, night.mon, { upTo: '2026-10-01T00:00:00Z' });
    expect(nights.state.watermark).toEqual({ updatedAt: '2026-10-02T00:00:00Z', recipientId: 'r40' });
    expect(nights.window(tue, night.tue).since).toEqual(nights.state.watermark);
  });

  test('an older night reads its own window again and moves nothing', () => {
    const nights = new Nights();
    nights.run(mon, night.mon);
    nights.run(tue, night.tue);
    nights.run(wed, night.wed);
    const before = nights.state;
    expect(nights.run(tue, '2026-11-27T15:00:00Z')).toMatchObject({
      rule: 'older-night',
      since: upTo(night.mon),
      until: night.tue,
      moves: false,
    });
    expect(nights.state).toEqual(before);
  });

  test('an older night that was never planned reads from the scheduled night before it to its own', () => {
    const nights = new Nights();
    nights.run(wed, night.wed);
    expect(nights.window(mon, '2026-11-27T15:00:00Z')).toMatchObject({
      rule: 'missed-night',
      since: upTo(night.fri),
      until: night.mon,
      moves: false,
    });
    expect(nights.window(mon, night.mon).until).toBe(night.mon);
  });

  test('a night made up for on a later day ends with itself; one run late on its own day does not', () => {
    const nights = new Nights();
    nights.run(fri, night.fri);
    expect(nights.window(mon, '2026-11-24T15:00:00Z').until).toBe(night.mon);
    expect(nights.window(mon, '2026-11-24T04:30:00Z').until).toBe('2026-11-24T04:30:00Z');
  });

  test('a clock behind the watermark makes an empty window', () => {
    const nights = new Nights();
    nights.run(mon, night.mon);
    expect(nights.window(tue, '2026-11-24T01:00:00Z')).toMatchObject({ since: upTo(night.mon), until: night.mon });
  });

  test('attempts of a CSV file leave no trace in the campaign', () => {
    const nights = new Nights();
    nights.run(mon, night.mon);
    const csv = {
      batch: { campaign, businessDate: tue, attempt: 1 },
      window: { since: null, until: '2026-11-24T15:00:00Z' },
      watermark: null,
      csvKey: 'inputs/x.csv',
      carriedOver: [],
    };
    const before = nights.state;
    nights.plans.push(csv);
    nights.state = stateAfter(nights.state, csv, NOBODY);
    expect(nights.state).toEqual(before);
    expect(nights.window(tue, night.tue)).toMatchObject({ rule: 'next-night', since: upTo(night.mon) });
  });
});

describe('the state after a batch', () => {
  const plan = {
    batch: { campaign, businessDate: tue, attempt: 1 },
    window: { since: null, until: night.tue },
    watermark: upTo(night.tue),
    csvKey: null,
    carriedOver: ['a', 'b'],
  };
  const debt = (recipientId: string, businessDate = mon, attempt = 1) =>
    ({ recipientId, businessDate, attempt, reason: 'BrowserHung' }) as const;
  const owed = (...ids: string[]) => ids.map((recipientId) => ({ recipientId, reason: 'BrowserCrashed' as const }));
  const state: CampaignState = { ...NEW_CAMPAIGN, carryOver: [debt('a'), debt('b'), debt('c')] };

  test('those it looked up are settled unless they failed again; the others stay', () => {
    const after = stateAfter(state, plan, { ...NOBODY, owed: owed('b', 'd') });
    expect(after.carryOver).toEqual([
      debt('c'),
      { ...debt('b', tue), reason: 'BrowserCrashed' },
      { ...debt('d', tue), reason: 'BrowserCrashed' },
    ]);
    expect(after).toMatchObject({
      watermark: upTo(night.tue),
      lastBatch: { businessDate: tue, attempt: 1, since: null, until: night.tue },
    });
  });

  test('someone who has a video of this batch is owed nothing by it or by earlier ones', () => {
    const after = stateAfter(state, { ...plan, carriedOver: [] }, { owed: [], delivered: new Set(['a']) });
    expect(after.carryOver).toEqual([debt('b'), debt('c')]);
  });

  test('what a later batch or a later attempt owes is not settled by this one', () => {
    const later = { ...state, carryOver: [debt('a', wed), debt('b', tue, 2)] };
    expect(stateAfter(later, plan, { owed: owed('a'), delivered: new Set(['a', 'b']) }).carryOver).toEqual(
      later.carryOver,
    );
  });

  test('closing twice is closing once, and closing again after a repair settles the repaired', () => {
    const once = stateAfter(state, plan, { ...NOBODY, owed: owed('b', 'd') });
    const twice = stateAfter(once, plan, { ...NOBODY, owed: owed('b', 'd') });
    expect({ ...twice, carryOver: new Set(twice.carryOver) }).toEqual({ ...once, carryOver: new Set(once.carryOver) });
    expect(
      stateAfter(once, plan, { owed: owed('d'), delivered: new Set(['b']) }).carryOver.map(
        ({ recipientId }) => recipientId,
      ),
    ).toEqual(['c', 'd']);
  });
});
