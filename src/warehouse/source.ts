/** The `source:` part of a campaign file: where recipients come from and which column is which. */

import { z } from 'zod';

const columnName = z.string().min(1).max(255);

/** Template parameter → column. */
const paramColumns = z
  .record(z.string().min(1), columnName)
  .refine((params) => Object.keys(params).length > 0, 'at least one parameter must have a column');

export const duckdbSourceSchema = z.strictObject({
  type: z.literal('duckdb'),
  /** The database file; absent: the warehouse of the embedded stack. */
  path: z.string().min(1).optional(),
  /** A table or view, as `table` or `schema.table`. */
  table: z.string().regex(/^[^.]+(\.[^.]+)?$/, 'must be a table or schema.table'),
  columns: z.strictObject({ recipientId: columnName, updatedAt: columnName }),
  params: paramColumns,
});

export const csvSourceSchema = z.strictObject({
  type: z.literal('csv'),
  path: z.string().min(1),
  columns: z
    .strictObject({
      recipientId: columnName.default('recipient_id'),
      updatedAt: columnName.default('updated_at'),
    })
    .default({ recipientId: 'recipient_id', updatedAt: 'updated_at' }),
  /** Absent: every other column is the parameter of its own name. */
  params: paramColumns.optional(),
});

export const sourceSchema = z.discriminatedUnion('type', [duckdbSourceSchema, csvSourceSchema]);

export type DuckDbSource = Readonly<z.infer<typeof duckdbSourceSchema>>;
export type CsvSource = Readonly<z.infer<typeof csvSourceSchema>>;
export type WarehouseSource = DuckDbSource | CsvSource;
