/** The `source:` part of a campaign file: where recipients come from, which column is which, and how changes are found. */

import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { paramsSchema } from './mapping.ts';

const columnName = z.string().min(1).max(255);

const columns = z.strictObject({
  recipientId: columnName,
  /** When the row last changed. Needed by `watermark`; elsewhere it only decides between two rows of one person. */
  updatedAt: columnName.optional(),
  /** True, or anything but an empty cell: the person left or wants no more. */
  withdrawn: columnName.optional(),
  /** Anything but true: the person has not agreed. */
  consent: columnName.optional(),
  /** Where the person watches. In a campaign file it is `destinations.column` that names it. */
  destination: columnName.optional(),
});

const minutes = z
  .number()
  .min(0)
  .max(7 * 24 * 60);

const watermark = (defaults: { readonly lagMinutes: number; readonly overlapMinutes: number }) =>
  z.strictObject({
    strategy: z.literal('watermark'),
    /** The night ends so long before it begins: what is stamped now may not be committed yet. */
    lagMinutes: minutes.default(defaults.lagMinutes),
    /** So much before the watermark is read again, for rows that were committed late. */
    overlapMinutes: minutes.default(defaults.overlapMinutes),
  });
const snapshot = z.strictObject({ strategy: z.literal('snapshot') });
const changes = z.strictObject({ strategy: z.literal('changes') });

/** One process writes a DuckDB file and nobody reads it meanwhile: nothing is committed late. */
const AT_ONCE = { lagMinutes: 0, overlapMinutes: 0 };
const MANY_WRITERS = { lagMinutes: 1, overlapMinutes: 60 };

const tableName = (parts: number) => {
  const names = ['table', 'schema.table', 'database.schema.table'].slice(0, parts);
  return z.string().regex(new RegExp(`^[^.]+(\\.[^.]+){0,${parts - 1}}$`), `must be ${names.join(' or ')}`);
};

/** A file in campaigns/, beside the campaign. */
const sqlFile = z
  .string()
  .regex(/^[\w-]+(\/[\w-]+)*\.sql$/, 'must be an .sql file in campaigns/, such as referral.sql');

interface SourceLike {
  readonly table?: string | undefined;
  readonly query?: string | undefined;
  readonly files?: string | undefined;
  readonly columns: z.infer<typeof columns>;
  readonly delta: { readonly strategy: string };
}

/** What one schema cannot say of its parts. */
function checkTogether(source: SourceLike, context: z.RefinementCtx): void {
  const relations = (['table', 'query', 'files'] as const).filter((name) => source[name] !== undefined);
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (relations.length !== 1) {
    refuse(
      [],
      relations.length === 0 ? 'must name a table or a query' : `names both ${relations.join(' and ')}; keep one`,
    );
  }
  if (source.delta.strategy === 'watermark' && source.columns.updatedAt === undefined) {
    refuse(['columns'], 'must name updatedAt; for a source without such a column take delta: { strategy: snapshot }');
  }
  if (source.delta.strategy === 'changes' && source.table === undefined) {
    refuse(['delta'], "the strategy 'changes' needs a table: the warehouse keeps changes of tables only");
  }
}

export const duckdbSourceSchema = z
  .strictObject({
    type: z.literal('duckdb'),
    /** The database file; absent: the warehouse of the embedded stack. */
    path: z.string().min(1).optional(),
    /** A table or view, as `table` or `schema.table`. */
    table: tableName(2).optional(),
    query: sqlFile.optional(),
    /** Parquet or CSV files instead of a database: a path, or a pattern with `*`. */
    files: z
      .string()
      .regex(/\.(parquet|csv|csv\.gz)$/, 'must end in .parquet, .csv or .csv.gz')
      .optional(),
    columns,
    params: paramsSchema,
    delta: z
      .discriminatedUnion('strategy', [watermark(AT_ONCE), snapshot])
      .default({ strategy: 'watermark', ...AT_ONCE }),
  })
  .superRefine(checkTogether);

export const postgresSourceSchema = z
  .strictObject({
    type: z.literal('postgres'),
    /** Name of the environment variable that holds the connection string; where it is not set, PG* variables are used. */
    urlFrom: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable')
      .default('NIGHTREEL_POSTGRES_URL'),
    table: tableName(2).optional(),
    query: sqlFile.optional(),
    columns,
    params: paramsSchema,
    delta: z
      .discriminatedUnion('strategy', [watermark(MANY_WRITERS), snapshot])
      .default({ strategy: 'watermark', ...MANY_WRITERS }),
  })
  .superRefine(checkTogether);

export const snowflakeSourceSchema = z
  .strictObject({
    type: z.literal('snowflake'),
    /** Absent: SNOWFLAKE_WAREHOUSE, SNOWFLAKE_ROLE, SNOWFLAKE_DATABASE, SNOWFLAKE_SCHEMA, or the user's defaults. */
    warehouse: z.string().min(1).optional(),
    role: z.string().min(1).optional(),
    database: z.string().min(1).optional(),
    schema: z.string().min(1).optional(),
    table: tableName(3).optional(),
    query: sqlFile.optional(),
    columns,
    params: paramsSchema,
    delta: z
      .discriminatedUnion('strategy', [watermark(MANY_WRITERS), snapshot, changes])
      .default({ strategy: 'watermark', ...MANY_WRITERS }),
  })
  .superRefine(checkTogether);

export const csvSourceSchema = z.strictObject({
  type: z.literal('csv'),
  path: z.string().min(1),
  /** Between two cells; absent: the one that the first line has most of. */
  delimiter: z.enum([',', ';', '\t', '|']).optional(),
  columns: columns
    .extend({ recipientId: columnName.default('recipient_id'), updatedAt: columnName.default('updated_at') })
    .default({ recipientId: 'recipient_id', updatedAt: 'updated_at' }),
  /** Absent: every other column is the parameter of its own name. */
  params: paramsSchema.optional(),
  delta: z
    .discriminatedUnion('strategy', [watermark(AT_ONCE), snapshot])
    .default({ strategy: 'watermark', ...AT_ONCE }),
});

export const sourceSchema = z.discriminatedUnion('type', [
  duckdbSourceSchema,
  postgresSourceSchema,
  snowflakeSourceSchema,
  csvSourceSchema,
]);

export type DuckDbSource = Readonly<z.infer<typeof duckdbSourceSchema>>;
export type PostgresSource = Readonly<z.infer<typeof postgresSourceSchema>>;
export type SnowflakeSource = Readonly<z.infer<typeof snowflakeSourceSchema>>;
export type CsvSource = Readonly<z.infer<typeof csvSourceSchema>>;
export type WarehouseSource = DuckDbSource | PostgresSource | SnowflakeSource | CsvSource;
export type SourceColumns = Readonly<z.infer<typeof columns>>;
/** How a source's changes are found. */
export type DeltaStrategy = WarehouseSource['delta'];

export const SOURCE_TYPES = ['duckdb', 'postgres', 'snowflake', 'csv'] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

/**
 * The same table in another engine, with the same columns and window: to compare them, or before a move.
 * A file is looked for in `folder`, by the table's name.
 */
export function sourceIn(type: SourceType, source: WarehouseSource, folder: string): WarehouseSource {
  if (type === source.type) return source;
  const { columns, params, delta } = source;
  const table = 'table' in source ? source.table : undefined;
  if (table === undefined) {
    throw new Failure('CampaignInvalid', 'only a source that names a table can be looked for in another engine');
  }
  const place = type === 'csv' ? { path: join(folder, `${table}.csv`) } : { table };
  return sourceSchema.parse({ type, ...place, columns, params, delta });
}
