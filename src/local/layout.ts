/** Which column of a list is what: the ID of a row, the time of its last change, the params. Pure. */

import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import type { Template } from '../templates/template.ts';
import type { CsvLayout } from '../warehouse/csv.ts';

/** Where nobody names the column of the ID: the first of these that the list has. */
export const ID_COLUMNS = ['recipient_id', 'recipientId', 'id'] as const;
/** As everywhere: of two rows with one ID the newer counts, where a list says which that is. */
const TIME_COLUMN = 'updated_at';

export interface ListLayout extends CsvLayout {
  /** Columns that are nothing to the template. */
  readonly ignored: readonly string[];
}

const paramNames = z.object({
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
});

/** What a template's schema says of its params; `names` is null when it lists none, and any may be given. */
export function paramsOf({ paramsSchema }: Pick<Template, 'paramsSchema'>) {
  const { data } = paramNames.safeParse(paramsSchema);
  return {
    names: data?.properties === undefined ? null : new Set(Object.keys(data.properties)),
    required: data?.required ?? [],
  };
}

/** Failure `ParamsInvalid` when the list has no ID, or lacks a param that every row must have. */
export function listLayout(
  header: readonly string[],
  template: Pick<Template, 'id' | 'paramsSchema'>,
  { name, idColumn }: { readonly name: string; readonly idColumn?: string | undefined },
): ListLayout {
  const candidates: readonly string[] = idColumn === undefined ? ID_COLUMNS : [idColumn];
  const id = candidates.find((column) => header.includes(column));
  if (id === undefined) {
    const looked = idColumn === undefined ? `none of ${ID_COLUMNS.join(', ')}` : `no column '${idColumn}'`;
    throw new Failure(
      'ParamsInvalid',
      `The first line of ${name} names ${looked}, so its rows have no ID. Name the column that tells them apart with --id-column.`,
    );
  }
  const { names, required } = paramsOf(template);
  const lacking = required.filter((param) => !header.includes(param));
  if (lacking.length > 0) {
    throw new Failure(
      'ParamsInvalid',
      `The first line of ${name} does not name ${lacking.map((param) => `'${param}'`).join(', ')}, which template '${template.id}' requires. A column is the param of its own name.`,
    );
  }
  const columns = {
    recipientId: id,
    ...(names?.has(TIME_COLUMN) || !header.includes(TIME_COLUMN) ? {} : { updatedAt: TIME_COLUMN }),
  };
  if (names === null) return { columns, ignored: [] };
  const given = header.filter((column) => names.has(column));
  return {
    columns,
    params: Object.fromEntries(given.map((column) => [column, column])),
    ignored: header.filter((column) => column !== id && column !== columns.updatedAt && !names.has(column)),
  };
}
