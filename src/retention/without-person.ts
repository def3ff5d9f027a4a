/** The bucket's documents without one person. Pure: each returns the very document that it was given where that does not name them. */

import type { Watermark } from '../contracts/batch.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { ManifestPage, PlanDocument, RecipientPage, ScenePage, StoredState } from '../planning/manifest.ts';
import type { BatchReport } from '../reporting/report-json.ts';

/**
 * @param gone variants of the batch that nobody else has: their lines go, params and all. The other lines keep their numbers, by
 * which outcomes and workflows know them.
 */
export function pageWithout(page: ManifestPage, recipientId: string, gone: ReadonlySet<VariantKey>): ManifestPage {
  const names = page.variants.some(({ key, recipients }) => gone.has(key) || recipients.includes(recipientId));
  if (!names) return page;
  const variants = page.variants
    .filter(({ key }) => !gone.has(key))
    .map((variant) => ({ ...variant, ...peopleWithout(variant, recipientId) }));
  return { ...page, variants };
}

export const recipientPageWithout = (page: RecipientPage, recipientId: string): RecipientPage =>
  page.recipients.includes(recipientId) ? { ...page, ...peopleWithout(page, recipientId) } : page;

/** Destinations stand in the order of the people. */
function peopleWithout({ recipients, destinations }: Pick<RecipientPage, 'recipients' | 'destinations'>, gone: string) {
  const stays = recipients.map((id) => id !== gone);
  return {
    recipients: recipients.filter((_, at) => stays[at]),
    ...(destinations && { destinations: destinations.filter((_, at) => stays[at]) }),
  };
}

/**
 * Without the scenes in which a text stands that also stands in these params. A scene page is read while its batch renders, and never
 * after: that a namesake's scene goes with it costs nothing.
 */
export function scenePageWithout(page: ScenePage, params: readonly Params[]): ScenePage {
  const texts = new Set(params.flatMap((one) => Object.entries(one).map(textOf)));
  texts.delete(null);
  const scenes = page.scenes.filter((scene) => !Object.entries(scene.params).some((entry) => texts.has(textOf(entry))));
  return scenes.length === page.scenes.length ? page : { ...page, scenes };
}

/** A param that can hold a text; numbers alone name nobody. */
const textOf = ([name, value]: readonly [string, unknown]): string | null =>
  typeof value === 'string' || (typeof value === 'object' && value !== null) ? JSON.stringify([name, value]) : null;

export function planWithout(plan: PlanDocument, recipientId: string): PlanDocument {
  const { window, watermark, carriedOver } = plan;
  const marks = [window.since, window.readFrom, watermark];
  if (!carriedOver.includes(recipientId) && !marks.some((mark) => mark?.recipientId === recipientId)) return plan;
  return {
    ...plan,
    window: windowWithout(window, recipientId),
    watermark: watermark && markWithout(watermark, recipientId),
    carriedOver: carriedOver.filter((id) => id !== recipientId),
  };
}

/** Very many who are owed a video are in a ledger, from which they are taken as from the others. */
export function stateWithout(state: StoredState, recipientId: string): StoredState {
  const { watermark, carryOver, lastBatch } = state;
  const marks = [watermark, lastBatch?.since, lastBatch?.readFrom];
  const isOwed = typeof carryOver !== 'string' && carryOver.some((entry) => entry.recipientId === recipientId);
  if (!isOwed && !marks.some((mark) => mark?.recipientId === recipientId)) return state;
  return {
    ...state,
    watermark: watermark && markWithout(watermark, recipientId),
    carryOver:
      typeof carryOver === 'string' ? carryOver : carryOver.filter((entry) => entry.recipientId !== recipientId),
    lastBatch: lastBatch && { ...lastBatch, ...windowWithout(lastBatch, recipientId) },
  };
}

type Window = PlanDocument['window'];

function windowWithout(window: Window, recipientId: string): Window {
  const { since, until, readFrom } = window;
  return {
    since: since && markWithout(since, recipientId),
    until,
    ...(readFrom !== undefined && { readFrom: readFrom && markWithout(readFrom, recipientId) }),
  };
}

/** Before everyone of the same instant: some are read twice, which changes nothing; after them, some would be missed. */
const markWithout = (mark: Watermark, recipientId: string): Watermark =>
  mark.recipientId === recipientId ? { ...mark, recipientId: '' } : mark;

/** Its counts stay, which name nobody; what it shows of these videos goes. */
export function reportWithout(report: BatchReport, gone: ReadonlySet<VariantKey>): BatchReport {
  const isGone = ({ key }: { readonly key: VariantKey }): boolean => gone.has(key);
  const shown = [report.samples, report.slowest, ...report.failures.map(({ examples }) => examples)];
  if (!shown.some((variants) => variants.some(isGone))) return report;
  return {
    ...report,
    samples: report.samples.filter((sample) => !isGone(sample)),
    slowest: report.slowest.filter((variant) => !isGone(variant)),
    failures: report.failures.map((failure) => ({
      ...failure,
      examples: failure.examples.filter((example) => !isGone(example)),
    })),
  };
}
