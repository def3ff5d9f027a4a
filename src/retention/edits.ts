/** How objects of each kind are read, and written without one person. */

import { Readable } from 'node:stream';
import { asFailure } from '../contracts/failures.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import {
  parseManifestPage,
  parsePlanDocument,
  parseRecipientPage,
  parseScenePage,
  parseStoredState,
} from '../planning/manifest.ts';
import { reportHtml } from '../reporting/report-html.ts';
import { parseReport } from '../reporting/report-json.ts';
import { resultsWithout } from '../reporting/results.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openCsvWarehouse } from '../warehouse/csv.ts';
import type { Edit, Edited } from './traces.ts';
import {
  pageWithout,
  planWithout,
  recipientPageWithout,
  reportWithout,
  scenePageWithout,
  stateWithout,
} from './without-person.ts';

/** A JSON document: parsed, changed, written anew where that made another of it. */
const json =
  <T>(parse: (text: string, name: string) => T, change: (document: T) => T): Edit =>
  (body) => {
    const document = parse(body.toString('utf8'), 'it');
    const changed = change(document);
    return changed === document ? 'unchanged' : JSON.stringify(changed);
  };

/** JSON Lines, of which some go. */
const lines =
  (goes: (line: { readonly [name: string]: unknown }) => boolean): Edit =>
  (body) => {
    const all = body.toString('utf8').split('\n');
    const kept = all.filter((line) => line === '' || !goes(JSON.parse(line) as Readonly<Record<string, unknown>>));
    return kept.length === all.length ? 'unchanged' : kept.join('\n');
  };

export const edits = {
  page: (recipientId: string, gone: ReadonlySet<VariantKey>): Edit =>
    json(parseManifestPage, (page) => pageWithout(page, recipientId, gone)),

  recipientPage: (recipientId: string): Edit =>
    json(parseRecipientPage, (page) => recipientPageWithout(page, recipientId)),

  scenePage: (params: readonly Params[]): Edit => json(parseScenePage, (page) => scenePageWithout(page, params)),

  plan: (recipientId: string): Edit => json(parsePlanDocument, (plan) => planWithout(plan, recipientId)),

  state: (recipientId: string): Edit => json(parseStoredState, (state) => stateWithout(state, recipientId)),

  /** Rejects, people who were withdrawn, and those who were looked up again. */
  peopleLines: (recipientId: string): Edit => lines((line) => line['recipientId'] === recipientId),

  outcomes: (gone: ReadonlySet<VariantKey>): Edit => lines(({ key }) => gone.has(key as VariantKey)),

  report:
    (gone: ReadonlySet<VariantKey>): Edit =>
    (body) => {
      const report = reportIn(body);
      const changed = reportWithout(report, gone);
      return changed === report ? 'unchanged' : JSON.stringify(changed, null, 2);
    },

  /** The page of a report, drawn anew from `report.json`, which is changed after it. */
  reportPage:
    (store: ObjectStore, reportKey: string, gone: ReadonlySet<VariantKey>): Edit =>
    async () => {
      const found = await store.get(reportKey);
      const report = found === null ? null : reportIn(found.body);
      const changed = report && reportWithout(report, gone);
      return changed === null || changed === report ? 'unchanged' : await reportHtml(changed);
    },

  results:
    (recipientId: string): Edit =>
    async (body) =>
      (await resultsWithout(body, recipientId)) ?? 'unchanged',

  gone: (() => null) satisfies Edit,

  /** A list given by hand goes as a whole: it was read when its batch was planned, and is never read again. */
  input:
    (recipientId: string): Edit =>
    async (body): Promise<Edited> =>
      (await listNames(body, recipientId)) ? null : 'unchanged',
} as const;

const reportIn = (body: Buffer) => parseReport(body.toString('utf8'), 'report.json');

/** Where a line cannot be read as CSV, or the whole list, the bare text decides. */
async function listNames(body: Buffer, recipientId: string): Promise<boolean> {
  await using list = openCsvWarehouse({ name: 'the list', open: async () => Readable.from([body]) });
  const isInText = (): boolean =>
    [recipientId, recipientId.replaceAll('"', '""')].some((spelling) => body.includes(spelling));
  try {
    let isWhole = true;
    for await (const row of list.readAll(new AbortController().signal)) {
      if (row.recipientId === recipientId) return true;
      if (row.recipientId === null) isWhole = false;
    }
    return !isWhole && isInText();
  } catch (error) {
    if (asFailure(error).failureClass === 'WarehouseDenied') return isInText();
    throw error;
  }
}
