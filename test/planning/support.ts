import type { Watermark } from '../../src/contracts/batch.ts';
import { type BusinessDate, type CampaignId, isCampaignId, type VariantKey } from '../../src/contracts/ids.ts';
import type { Params } from '../../src/contracts/video.ts';
import type { DeltaPlan, ValidateParams } from '../../src/planning/delta-plan.ts';
import { variantKeyOf } from '../../src/planning/variant-key.ts';
import type { SourceRow } from '../../src/warehouse/reader.ts';
import { compareWatermarks, isAfterWatermark } from '../../src/warehouse/watermark.ts';

export const campaign: CampaignId = ((id: string) => {
  if (!isCampaignId(id)) throw new Error(id);
  return id;
})('referral');

export const date = (text: string) => text as BusinessDate;

/** Second `seconds` of a night, as canonical text. */
export const at = (seconds: number): string =>
  `${new Date(Date.UTC(2026, 10, 23, 3, 0, seconds)).toISOString().slice(0, -1)}000Z`;

export const keyOf = (params: Params): VariantKey =>
  variantKeyOf({ engineDigest: 'e', templateDigest: 't', params, rendition: 'phone-720p' });

/** Accepts `{ n }` with n ≥ 0. */
export const validateParams: ValidateParams = (params) =>
  typeof params['n'] === 'number' && params['n'] >= 0
    ? { ok: true, params }
    : { ok: false, reason: 'must be a number from 0', path: '/n' };

export const row = (recipientId: string | null, seconds: number | null, n: unknown, line = 1): SourceRow => ({
  line,
  recipientId,
  updatedAt: seconds === null ? null : at(seconds),
  params: { n },
});

/** Rows in change order, numbered, as a reader gives them for a range. */
export function asRead(rows: readonly SourceRow[], since: Watermark | null, until: string): SourceRow[] {
  const stamped = rows.flatMap((one) => (one.updatedAt === null ? [] : [{ ...one, updatedAt: one.updatedAt }]));
  const inRange = stamped
    .filter((one) => isAfterWatermark(one, since) && !isAfterWatermark(one, { updatedAt: until, recipientId: null }))
    .sort((a, b) => compareWatermarks(a, b));
  return [...inRange, ...rows.filter(({ updatedAt }) => updatedAt === null)].map((one, index) => ({
    ...one,
    line: index + 1,
  }));
}

export async function* stream<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

/** A plan with everything in it at once. */
export function whole({ [Symbol.dispose]: end, ...plan }: DeltaPlan) {
  const variants = [...plan.variants].map((variant) => ({ ...variant, recipients: [...variant.recipients] }));
  end();
  return { ...plan, variants };
}

/** Recipient → its `n`. */
export const outcomeOf = (plan: Pick<ReturnType<typeof whole>, 'variants'>): Map<string, unknown> =>
  new Map(plan.variants.flatMap(({ params, recipients }) => recipients.map((id) => [id, params['n']] as const)));
