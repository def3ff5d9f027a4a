/** A result's cells → a row of the source. */

import type { Mapping } from '../mapping.ts';
import type { SourceRow } from '../reader.ts';
import type { SourceColumns } from '../source.ts';

/** Cells that come before those of the parameters: ID, stamp, withdrawn, consent. */
const LEADING_CELLS = 4;

export type RowBuilder = (line: number, stamp: string | null, cells: readonly unknown[]) => SourceRow;

/** @param values the columns of the cells behind the leading ones. @returns a function of a row's place, its canonical stamp, and its cells in the order of `DeltaQueries`, JSON-safe. */
export function rowBuilder(columns: SourceColumns, mapping: Mapping, values: readonly string[]): RowBuilder {
  const places = new Map(values.map((column, at) => [column, at + LEADING_CELLS]));
  const { destination } = columns;
  return (line, updatedAt, cells) => {
    const [id] = cells;
    const recipientId = typeof id === 'string' ? id : null;
    if (isWithdrawn(columns, cells[2], cells[3])) return { line, recipientId, updatedAt, params: {}, withdrawn: true };
    const cell = (column: string): unknown => cells[places.get(column) ?? -1];
    const { params, problem } = mapping.map(cell);
    const where = destination === undefined ? {} : { destination: cell(destination) };
    const row = { line, recipientId, updatedAt, params, ...where };
    return problem === undefined ? row : { ...row, problem: problem.reason, problemPath: problem.path };
  };
}

const NO = new Set(['', 'false', 'f', 'no', 'n', 'off', '0']);
const YES = new Set(['true', 't', 'yes', 'y', 'on', '1']);

/** When in doubt, the person is withdrawn: a date in `withdrawn` is one, a NULL in `consent` is no agreement. */
export function isWithdrawn(columns: SourceColumns, withdrawn: unknown, consent: unknown): boolean {
  const said = (value: unknown): string =>
    String(value ?? '')
      .trim()
      .toLowerCase();
  if (columns.withdrawn !== undefined && !NO.has(said(withdrawn))) return true;
  return columns.consent !== undefined && !YES.has(said(consent));
}
