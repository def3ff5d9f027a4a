/** A list as a CSV → who gets which video, and the rows that get none. */

import type { Readable } from 'node:stream';
import type { RenditionId } from '../contracts/video.ts';
import { type DeltaPlan, planDelta, type Reject, type ValidateParams } from '../planning/delta-plan.ts';
import { variantKeyOf } from '../planning/variant-key.ts';
import type { Template } from '../templates/template.ts';
import { openCsvWarehouse } from '../warehouse/csv.ts';
import type { SourceRow } from '../warehouse/reader.ts';
import { listLayout, paramsOf } from './layout.ts';

export interface ListOptions {
  /** How messages name the list. */
  readonly name: string;
  readonly open: () => Promise<Readable>;
  readonly template: Template;
  readonly rendition: RenditionId;
  readonly idColumn?: string | undefined;
  /** At most so many people, from the top. */
  readonly limit?: number | undefined;
  /** Told which columns are nothing to the template, once they are known. */
  readonly onIgnored?: (columns: readonly string[]) => void;
  /** Told how many rows have been read, every so often. */
  readonly onRows?: (rows: number) => void;
}

/** A line of rejects.jsonl. */
export interface RejectedRow {
  readonly line: number;
  /** Null when the row has no ID, or none that is valid. */
  readonly id: string | null;
  /** Null when it is no single column. */
  readonly column: string | null;
  readonly reason: string;
}

const TELL_EVERY = 100_000;

/**
 * Reads the whole list before anything is rendered: of two rows with one ID the last one counts, and which that is, is known at
 * the end. Keys are of the params alone; whoever renders them has an engine, and makes the real ones.
 */
export async function readList(options: ListOptions, signal: AbortSignal): Promise<DeltaPlan> {
  const { name, open, template, rendition, idColumn, limit, onIgnored, onRows } = options;
  await using reader = openCsvWarehouse({
    ...{ name, open, paramsSchema: template.paramsSchema },
    layout: (header) => {
      const layout = listLayout(header, template, { name, idColumn });
      if (layout.ignored.length > 0) onIgnored?.(layout.ignored);
      return layout;
    },
  });
  return await planDelta({
    rows: counted(reader.readAll(signal), onRows),
    range: { since: null, until: '' },
    ...{ ordered: false, end: null },
    validateParams: validateRow(template),
    keyOf: (params) => variantKeyOf({ engineDigest: '', templateDigest: template.digest, params, rendition }),
    ...(limit === undefined ? {} : { recipientLimit: limit }),
  });
}

/** As the template's own check, which names no column for a param that is missing. */
function validateRow(template: Template): ValidateParams {
  const { required } = paramsOf(template);
  return (params) => {
    const missing = required.find((param) => params[param] === undefined);
    return missing === undefined
      ? template.validateParams(params)
      : { ok: false, path: `/${missing.replaceAll('~', '~0').replaceAll('/', '~1')}`, reason: 'is empty' };
  };
}

export function rejectedRow({ line, recipientId: id, reason, path = '' }: Reject): RejectedRow {
  const [, member = ''] = path.split('/');
  const column = member.replaceAll('~1', '/').replaceAll('~0', '~');
  return { line, id, column: column === '' ? null : column, reason };
}

async function* counted(rows: AsyncIterable<SourceRow>, onRows?: (rows: number) => void) {
  let count = 0;
  for await (const row of rows) {
    count += 1;
    if (count % TELL_EVERY === 0) onRows?.(count);
    yield row;
  }
}
