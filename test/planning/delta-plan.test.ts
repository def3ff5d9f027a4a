import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Watermark } from '../../src/contracts/batch.ts';
import { paramsDigest } from '../../src/planning/canonical-params.ts';
import { type DeltaPlanInput, planDelta } from '../../src/planning/delta-plan.ts';
import type { SourceRow } from '../../src/warehouse/reader.ts';
import { asRead, at, keyOf, outcomeOf, row, stream, validateParams, whole } from './support.ts';

const until = at(100);
const NOTHING_ELSE = { unchanged: 0, withdrawn: 0, vanished: 0 };
const plan = async (rows: readonly SourceRow[], more: Partial<DeltaPlanInput> = {}) =>
  whole(
    await planDelta({
      rows: stream(rows),
      range: { since: null, until },
      ordered: true,
      end: { updatedAt: until, recipientId: null },
      validateParams,
      keyOf,
      ...more,
    }),
  );

describe('the plan of a delta', () => {
  test('people with equal params share one variant, in the order in which they changed', async () => {
    const { variants, counts, watermark, rejects } = await plan([row('a', 1, 7), row('b', 2, 8), row('c', 3, 7)]);
    expect(variants).toEqual([
      { key: keyOf({ n: 7 }), params: { n: 7 }, recipients: ['a', 'c'] },
      { key: keyOf({ n: 8 }), params: { n: 8 }, recipients: ['b'] },
    ]);
    expect(counts).toEqual({
      rows: 3,
      recipients: 3,
      rejected: 0,
      duplicates: 0,
      ...NOTHING_ELSE,
      carriedOver: 0,
      variants: 2,
    });
    expect(watermark).toEqual({ updatedAt: until, recipientId: null });
    expect(rejects).toEqual([]);
  });

  test('of several rows of one person the last decides, even when it is rejected', async () => {
    const { counts, rejects, ...rest } = await plan([
      row('a', 1, 1, 1),
      row('b', 2, -1, 2),
      row('a', 3, 2, 3),
      row('c', 4, 3, 4),
      row('b', 5, 4, 5),
      row('c', 6, -1, 6),
    ]);
    expect(outcomeOf(rest)).toEqual(
      new Map([
        ['a', 2],
        ['b', 4],
      ]),
    );
    expect(rejects).toEqual([{ recipientId: 'c', line: 6, reason: 'must be a number from 0', path: '/n' }]);
    expect(counts).toMatchObject({ rows: 6, recipients: 2, rejected: 1, duplicates: 3 });
  });

  test('rows without a usable ID or stamp are rejected by themselves and decide for nobody', async () => {
    const result = await plan([
      row(null, 1, 1, 1),
      row('', 2, 1, 2),
      row('a\n', 3, 1, 3),
      row('a', 4, 5, 4),
      row('a', null, 6, 5),
      row(null, null, 6, 6),
    ]);
    expect(outcomeOf(result)).toEqual(new Map([['a', 5]]));
    expect(result.rejects.map(({ line, recipientId }) => [line, recipientId])).toEqual([
      [1, null],
      [2, null],
      [3, null],
      [5, 'a'],
      [6, null],
    ]);
    expect(result.counts).toMatchObject({ rows: 6, recipients: 1, rejected: 5, duplicates: 0 });
  });

  test('a reject never holds a value of its row', async () => {
    const { rejects } = await plan([
      { ...row('a', 1, 'Secret'), params: { n: 'Secret\ud800' } },
      { ...row('b', 2, 'Secret'), problem: 'the line is torn' },
      row('c', 3, 'Secret'),
    ]);
    expect(rejects).toHaveLength(3);
    expect(JSON.stringify(rejects)).not.toContain('Secret');
    expect(rejects[1]).toEqual({ recipientId: 'b', line: 1, reason: 'the line is torn' });
  });

  test('params are keyed as the validation returns them, after normalisation', async () => {
    const seen: unknown[] = [];
    const { variants } = await plan(
      [
        { ...row('a', 1, 1), params: { name: 'Jose\u0301' } },
        { ...row('b', 2, 1), params: { name: 'José' } },
      ],
      {
        validateParams: (params) => {
          seen.push(params['name']);
          return { ok: true, params: { ...params, colour: 'teal' } };
        },
      },
    );
    expect(seen).toEqual(['José', 'José']);
    expect(variants).toMatchObject([{ params: { name: 'José', colour: 'teal' }, recipients: ['a', 'b'] }]);
  });

  test('a file without order gives no watermark; its last line wins, or its newest where both are stamped', async () => {
    const unstamped = await plan([row('a', null, 1), row('b', null, 2), row('a', null, 3)], {
      ordered: false,
      end: null,
    });
    expect(outcomeOf(unstamped)).toEqual(
      new Map([
        ['b', 2],
        ['a', 3],
      ]),
    );
    expect(unstamped.watermark).toBeNull();
    expect(outcomeOf(await plan([row('a', 9, 1), row('a', 2, 3)], { ordered: false }))).toEqual(new Map([['a', 1]]));
  });

  test('an empty delta is a plan of nothing that moves the watermark to the end', async () => {
    expect(await plan([])).toEqual({
      withdrawn: [],
      variants: [],
      rejects: [],
      counts: { rows: 0, recipients: 0, rejected: 0, duplicates: 0, ...NOTHING_ELSE, carriedOver: 0, variants: 0 },
      changes: { rows: 0, rejected: 0 },
      watermark: { updatedAt: until, recipientId: null },
    });
  });
});

describe('people carried over', () => {
  test('are planned with their newest row; one who also changed counts as a change', async () => {
    const carryOver = stream([row('old', 1, 1), row('old', 2, 2), row('both', 50, 5), row('gone', 3, -1, 9)]);
    const result = await plan([row('both', 50, 5), row('new', 60, 2)], { carryOver });
    expect(outcomeOf(result)).toEqual(
      new Map([
        ['old', 2],
        ['both', 5],
        ['new', 2],
      ]),
    );
    expect(result.counts).toEqual({
      rows: 4,
      recipients: 3,
      rejected: 1,
      duplicates: 0,
      ...NOTHING_ELSE,
      carriedOver: 1,
      variants: 2,
    });
    // Whether the data broke is judged by tonight's rows: the one rejected here has been so before.
    expect(result.changes).toEqual({ rows: 2, rejected: 0 });
    expect(result.rejects).toMatchObject([{ recipientId: 'gone' }]);
  });

  test('come on top of a limit, and an older change does not replace their newer row', async () => {
    const result = await plan([row('c', 5, 1), row('a', 6, 1), row('b', 7, 1)], {
      carryOver: stream([row('c', 80, 9), row('x', 1, 3)]),
      recipientLimit: 1,
    });
    expect(outcomeOf(result)).toEqual(
      new Map([
        ['c', 9],
        ['x', 3],
        ['a', 1],
      ]),
    );
    expect(result.watermark).toEqual({ updatedAt: at(6), recipientId: 'a' });
    expect(result.counts).toMatchObject({ rows: 4, recipients: 3, duplicates: 1, carriedOver: 2 });
  });
});

describe('a limit', () => {
  test('stops before the first person too many, takes what lies before, and says how far it came', async () => {
    const rows = [
      row('a', 1, 1),
      row('b', 2, -1),
      row('c', 3, 1),
      row('a', 4, 2),
      row('d', 5, -1),
      row('e', 6, 1),
      row('f', 7, 1),
    ];
    const result = await plan(rows, { recipientLimit: 2 });
    expect(outcomeOf(result)).toEqual(
      new Map([
        ['c', 1],
        ['a', 2],
      ]),
    );
    expect(result.watermark).toEqual({ updatedAt: at(5), recipientId: 'd' });
    expect(result.counts).toMatchObject({ rows: 5, recipients: 2, rejected: 2, duplicates: 1 });
  });

  test('that is never exceeded reads to the end', async () => {
    const { watermark } = await plan([row('a', 1, 1), row('b', 2, 1)], { recipientLimit: 2 });
    expect(watermark).toEqual({ updatedAt: until, recipientId: null });
  });

  test('that nothing fits under leaves the watermark where it was', async () => {
    const since = { updatedAt: at(0), recipientId: 'z' };
    const rows = [row('a', 1, -1), row('a', 1, 1)];
    const { watermark, counts } = await plan(rows, { recipientLimit: 0, range: { since, until } });
    expect(watermark).toEqual(since);
    expect(counts.rows).toBe(0);
  });
});

/** Few people and few stamps, so that every kind of tie comes up. */
const anyRows = fc.array(
  fc.record({
    id: fc.option(fc.constantFrom('a', 'b', 'c', 'd', '\uFF5E', '🌙'), { freq: 12 }),
    seconds: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 12 }),
    n: fc.integer({ min: -1, max: 3 }),
  }),
  { maxLength: 40 },
);

describe('over any table', () => {
  test('every row ends as exactly one of recipient, reject, duplicate, and nobody is in two variants', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (table) => {
        const rows = asRead(
          table.map(({ id, seconds, n }) => row(id, seconds, n)),
          null,
          until,
        );
        const { counts, variants, rejects } = await plan(rows);
        expect(counts.rows).toBe(rows.length);
        expect(counts.recipients + counts.rejected + counts.duplicates).toBe(counts.rows);
        const people = variants.flatMap(({ recipients }) => recipients);
        expect(new Set(people).size).toBe(people.length);
        expect(people).toHaveLength(counts.recipients);
        expect(rejects).toHaveLength(counts.rejected);
        expect(new Set(variants.map(({ key }) => key)).size).toBe(counts.variants);
        const last = new Map<string | null, SourceRow>();
        for (const one of rows) if (one.updatedAt !== null) last.set(one.recipientId, one);
        const expected = [...last.values()].filter(
          ({ recipientId, params }) => recipientId !== null && Number(params['n']) >= 0,
        );
        expect(people.sort()).toEqual(expected.map(({ recipientId }) => recipientId).sort());
      }),
    );
  });

  test('slices under a limit, each resumed at the watermark of the one before, read every stamped row exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 1, max: 4 }), async (table, recipientLimit) => {
        const rows = table.map(({ id, seconds, n }, index) => ({ ...row(id, seconds, n), params: { n, index } }));
        const stamped = rows.filter(({ updatedAt }) => updatedAt !== null).length;
        const unstamped = rows.length - stamped;
        let since: Watermark | null = null;
        let read = 0;
        for (let slice = 0; ; slice += 1) {
          expect(slice).toBeLessThan(60);
          const { counts, watermark } = await plan(asRead(rows, since, until), {
            recipientLimit,
            range: { since, until },
          });
          expect(counts.recipients).toBeLessThanOrEqual(recipientLimit);
          const isLast = watermark?.updatedAt === until && watermark.recipientId === null;
          read += counts.rows - (isLast ? unstamped : 0);
          since = watermark;
          if (isLast) break;
        }
        expect(read).toBe(stamped);
      }),
    );
  });

  test('a retry plans the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 0, max: 5 }), async (table, recipientLimit) => {
        const rows = asRead(
          table.map(({ id, seconds, n }) => row(id, seconds, n)),
          null,
          until,
        );
        expect(await plan(rows, { recipientLimit })).toEqual(await plan(rows, { recipientLimit }));
      }),
    );
  });
});

describe('rows that may have been read before', () => {
  const known = (delivered: Record<string, number | null>, missing: readonly string[] = []) => ({
    isEcho: (one: SourceRow) => one.updatedAt !== null && one.updatedAt <= at(10),
    delivered: {
      unchanged: async (wanted: Iterable<readonly [string, string | null]>, found: (id: string) => void) => {
        for (const [id, digest] of wanted) {
          const shown = delivered[id];
          const is = shown === undefined || shown === null ? null : paramsDigest({ n: shown });
          if (is === digest) found(id);
        }
      },
      missing: () => missing,
    },
  });

  test('count only where they say something else than what was delivered', async () => {
    const rows = [row('same', 1, 1), row('late', 2, 2), row('new', 11, 1), row('both', 3, 5), row('both', 12, 1)];
    const result = await plan(rows, { known: known({ same: 1, late: 1, new: 1, both: 1 }) });
    expect(outcomeOf(result)).toEqual(
      new Map([
        ['late', 2],
        ['new', 1],
        ['both', 1],
      ]),
    );
    expect(result.counts).toMatchObject({ rows: 5, recipients: 3, unchanged: 1, duplicates: 1 });
  });

  test('of somebody who is owed a video are planned whatever was delivered', async () => {
    const result = await plan([row('a', 1, 1), row('b', 2, 1)], {
      carryOver: stream([row('a', 1, 1)]),
      known: known({ a: 1, b: 1 }),
    });
    expect(outcomeOf(result)).toEqual(new Map([['a', 1]]));
  });

  test('do not count towards a limit where rows are in order, and are what a limit cuts where all are such', async () => {
    const rows = [row('late', 1, 1), row('x', 11, 1), row('y', 12, 1), row('z', 13, 1)];
    const ordered = await plan(rows, { known: known({}), recipientLimit: 2 });
    expect([...outcomeOf(ordered).keys()]).toEqual(['late', 'x', 'y']);
    expect(ordered.watermark).toEqual({ updatedAt: at(12), recipientId: 'y' });
    const all = { ...known({}), isEcho: () => true };
    const cut = await plan(rows, { known: all, ordered: false, recipientLimit: 2 });
    expect([...outcomeOf(cut).keys()]).toEqual(['late', 'x']);
    expect(cut.watermark).toBeNull();
  });

  test('and those who are missing from a whole are withdrawn', async () => {
    const result = await plan([row('a', 1, 1)], { known: known({ a: 1 }, ['gone']), ordered: false });
    expect(result.withdrawn).toEqual(['gone']);
    expect(result.counts).toMatchObject({ rows: 1, recipients: 0, unchanged: 1, withdrawn: 1, vanished: 1 });
  });
});

describe('people who are withdrawn', () => {
  const left = (id: string, minute: number): SourceRow => ({ ...row(id, minute, 0), params: {}, withdrawn: true });

  test('get nothing, whatever came before, and are counted by themselves', async () => {
    const result = await plan([row('a', 1, 1), row('b', 2, 1), left('a', 3), left('c', 4), row('c', 5, 2)]);
    expect(outcomeOf(result)).toEqual(
      new Map([
        ['b', 1],
        ['c', 2],
      ]),
    );
    expect(result.withdrawn).toEqual(['a']);
    expect(result.counts).toMatchObject({ rows: 5, recipients: 2, withdrawn: 1, duplicates: 2 });
  });

  test('are so even when the row has no time, or the params are nonsense', async () => {
    const result = await plan([{ ...left('a', 1), updatedAt: null, params: { n: 'x' } }]);
    expect(result.withdrawn).toEqual(['a']);
    expect(result.rejects).toEqual([]);
  });
});
