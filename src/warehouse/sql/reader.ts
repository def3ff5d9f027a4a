/** What the readers of all engines with SQL have in common: one source's statements, and which read asks for which. */

import { compileMapping, type ParamsConfig } from '../mapping.ts';
import type { SourceRow, WarehouseReader } from '../reader.ts';
import type { SourceColumns } from '../source.ts';
import { DeltaQueries, type Query, type Relation, type SqlSource } from './delta-query.ts';
import { type Dialect, neededStamp, type StampColumn } from './dialect.ts';
import { type RowBuilder, rowBuilder } from './rows.ts';

export interface SqlDelta {
  readonly source: SqlSource;
  readonly queries: DeltaQueries;
  readonly build: RowBuilder;
}

export function sqlDelta(
  dialect: Dialect,
  relation: Relation,
  { columns, params }: { readonly columns: SourceColumns; readonly params: ParamsConfig },
): SqlDelta {
  const mapping = compileMapping(params);
  const { destination } = columns;
  const values = [...new Set([...mapping.columns, ...(destination === undefined ? [] : [destination])])];
  const source = { relation, columns, values };
  return { source, queries: new DeltaQueries(dialect, source), build: rowBuilder(columns, mapping, values) };
}

/** Runs one statement, made once the type of the stamp column is known. */
export type ReadRows = (
  question: (column: StampColumn | null) => Query,
  signal: AbortSignal,
) => AsyncIterable<SourceRow>;

export const sqlReads = (
  { queries, source }: SqlDelta,
  read: ReadRows,
): Pick<WarehouseReader, 'capabilities' | 'readChanges' | 'readRecipients' | 'readAll'> => ({
  capabilities: { watermark: source.columns.updatedAt !== undefined, changes: false, snapshot: true },
  readChanges: (range, signal) => read((column) => queries.changes(neededStamp(column), range), signal),
  readRecipients: (ids, until, signal) => read((column) => queries.recipients(column, ids, until), signal),
  readAll: (signal) => read((column) => queries.all(column, new Date().toISOString()), signal),
});
