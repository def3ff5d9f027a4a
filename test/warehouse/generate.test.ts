import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCampaign } from '../../src/config/campaign.ts';
import type { BusinessDate } from '../../src/contracts/ids.ts';
import { earningsFor, inventPopulation, milestoneAfter } from '../../src/warehouse/generated/business.ts';
import { ensureGeneratedWarehouse } from '../../src/warehouse/generated/duckdb.ts';
import { COMMON_NAMES, TOO_LONG_NAME, WORLD_NAMES } from '../../src/warehouse/generated/names.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import type { SourceRow } from '../../src/warehouse/reader.ts';
import { collect, never, runSql, temporaryFolder } from './support.ts';

const date = (text: string) => text as BusinessDate;
const monday = { businessDate: date('2026-11-23'), asOf: '2026-11-23T14:30:00Z' };
const eveningBefore = '2026-11-23T04:00:00.000000Z';

async function readSince(path: string, since: string | null): Promise<SourceRow[]> {
  const { source } = await loadCampaign(join(import.meta.dirname, '../..'), 'referral');
  await using reader = openWarehouse(source, { defaultDuckDbPath: path });
  const start = since === null ? null : { updatedAt: since, recipientId: null };
  return await collect(reader.readChanges({ since: start, until: '2027-01-01T00:00:00Z' }, never));
}

const sharedRows = (rows: readonly SourceRow[]): number => {
  const groups = Map.groupBy(rows, ({ params }) => JSON.stringify(params));
  return [...groups.values()].filter(({ length }) => length > 1).reduce((sum, { length }) => sum + length, 0);
};

const isBad = ({ recipientId, params }: SourceRow) => {
  const { name, referralCount, earnings } = params;
  return (
    recipientId === null ||
    typeof name !== 'string' ||
    name === '' ||
    [...name].length > 60 ||
    Number(referralCount) < 0 ||
    Number(earnings) < 0
  );
};

describe('the generated warehouse', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let path: string;
  let first: Awaited<ReturnType<typeof ensureGeneratedWarehouse>>;
  let night: SourceRow[];
  beforeAll(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'deep/er/warehouse.duckdb');
    first = await ensureGeneratedWarehouse({ path, ...monday });
    night = await readSince(path, eveningBefore);
  });
  afterAll(async () => {
    await folder[Symbol.asyncDispose]();
  });

  test('holds 10,000 people, of whom the night touches 4,000 to 7,000, none after asOf', async () => {
    expect(first).toMatchObject({ created: true, recipients: 10_000 });
    expect(first.changed).toBeGreaterThan(4_000);
    expect(first.changed).toBeLessThan(7_000);
    expect(new Set(night.map(({ recipientId }) => recipientId)).size).toBe(first.changed + 1);
    expect(night.every(({ updatedAt }) => updatedAt !== null && updatedAt <= '2026-11-23T14:30:00.000000Z')).toBe(true);
    expect(await readdir(join(folder.path, 'deep/er'))).toEqual(['warehouse.duckdb']);
  });

  test('shares about 40 % of the rows with others, some of them in every slice from the beginning', async () => {
    const share = sharedRows(night) / night.length;
    expect(share).toBeGreaterThan(0.33);
    expect(share).toBeLessThan(0.5);
    for (const rows of [night, await readSince(path, null)]) {
      for (const slice of [40, 200]) expect(sharedRows(rows.slice(0, slice))).toBeGreaterThanOrEqual(4);
    }
  });

  test('has a few bad rows, a few repeated IDs and rows that share a stamp', () => {
    const bad = night.filter(isBad);
    expect(bad.length).toBeGreaterThanOrEqual(5);
    expect(bad.length).toBeLessThan(20);
    expect(bad.filter(({ recipientId }) => recipientId === null)).toHaveLength(1);
    expect(night.length - new Set(night.map(({ recipientId }) => recipientId)).size).toBe(5);
    expect(new Set(night.map(({ updatedAt }) => updatedAt)).size).toBeLessThan(night.length - 300);
    const numbers = night.filter((row) => !isBad(row)).flatMap(({ params }) => Object.values(params).slice(1));
    expect(numbers.every((value) => Number.isSafeInteger(value))).toBe(true);
  });

  test('the same date again changes nothing, even when it is later; the file may be open elsewhere', async () => {
    expect(
      await ensureGeneratedWarehouse({ path, businessDate: monday.businessDate, asOf: '2026-11-24T04:00:00Z' }),
    ).toEqual({
      ...first,
      created: false,
    });
    expect(await readSince(path, eveningBefore)).toEqual(night);
  });

  test('two machines invent the same business', async () => {
    const other = join(folder.path, 'other.duckdb');
    await ensureGeneratedWarehouse({ path: other, ...monday });
    expect(await readSince(other, null)).toEqual(await readSince(path, null));
  });

  test('a later date moves the business on, and an earlier one then changes nothing', async () => {
    const later = join(folder.path, 'later.duckdb');
    await ensureGeneratedWarehouse({ path: later, ...monday });
    const tuesday = { path: later, businessDate: date('2026-11-24'), asOf: '2026-11-25T09:00:00Z' };
    const moved = await ensureGeneratedWarehouse(tuesday);
    expect(moved).toMatchObject({ created: false, recipients: 10_000 });
    const rows = await readSince(later, '2026-11-24T04:00:00Z');
    expect(new Set(rows.map(({ recipientId }) => recipientId)).size).toBe(moved.changed + 1);
    expect(rows.every(({ updatedAt }) => updatedAt !== null && updatedAt <= '2026-11-25T04:00:00.000000Z')).toBe(true);
    expect(await ensureGeneratedWarehouse({ path: later, ...monday })).toEqual({ ...first, created: false });
    expect(await readSince(later, '2026-11-24T04:00:00Z')).toEqual(rows);
  });

  test('a database that somebody else made is refused and left alone, and so is a day that has not begun', async () => {
    const foreign = join(folder.path, 'foreign.duckdb');
    await runSql(foreign, 'CREATE TABLE referrers (x INTEGER)');
    await expect(ensureGeneratedWarehouse({ path: foreign, ...monday })).rejects.toMatchObject({
      failureClass: 'WarehouseDenied',
    });
    const early = ensureGeneratedWarehouse({
      path: `${foreign}.new`,
      businessDate: date('2026-11-25'),
      asOf: monday.asOf,
    });
    await expect(early).rejects.toMatchObject({ failureClass: 'WarehouseDenied' });
    expect(await readdir(folder.path)).not.toContain('foreign.duckdb.new');
  });
});

describe('the generated business', () => {
  test('pays by tiers and milestones', () => {
    expect([0, 1, 3, 6].map(earningsFor)).toEqual([0, 25 + 10, 75 + 35, 125 + 40 + 85]);
    expect(milestoneAfter(0)).toEqual({ nextMilestone: 1, milestoneReward: 10 });
    expect(milestoneAfter(50)).toEqual({ nextMilestone: 100, milestoneReward: 1000 });
    expect(milestoneAfter(99_999)).toEqual({ nextMilestone: 100_000, milestoneReward: 1_000_000 });
  });

  test('names of the world fit the template, and each stands once', () => {
    const names = [...COMMON_NAMES, ...WORLD_NAMES];
    expect(names.filter((name) => [...name].length > 60 || name === '' || !name.isWellFormed())).toEqual([]);
    expect([...TOO_LONG_NAME].length).toBeGreaterThan(60);
    const used = new Set(inventPopulation(0).map(({ name }) => name));
    expect(WORLD_NAMES.filter((name) => !used.has(name))).toEqual([]);
  });
});
