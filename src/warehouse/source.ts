/** The `source:` part of a campaign file: where recipients come from, which column is which, and how changes are found. */

import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { paramsSchema } from './mapping.ts';

const columnName = z.string().min(1).max(255);

const columns = z.strictObject({
  recipientId: columnName.describe('Whose row it is.'),
  updatedAt: columnName
    .optional()
    .describe(
      'When the row last changed. Needed by `watermark`; elsewhere it only decides between two rows of one person.',
    ),
  withdrawn: columnName.optional().describe('True, or anything but an empty cell: the person left or wants no more.'),
  consent: columnName.optional().describe('Anything but true: the person has not agreed.'),
  destination: columnName
    .optional()
    .describe('Where the person watches. Refused in a campaign file, where `destinations.column` names it.'),
});

const minutes = z
  .number()
  .min(0)
  .max(7 * 24 * 60);

const STRATEGY =
  'How changes are found: rows stamped since the last night, all rows compared with what was delivered, or (Snowflake) its log of changes.';
const PARAMS = 'Param → column, or how it is made of columns, below.';
const TABLE = 'A table or view.';
const QUERY = 'In its place: an .sql file in `campaigns/`.';
const DELTA = 'How changes are found.';
const COLUMNS = 'Which column is which.';

const watermark = (defaults: { readonly lagMinutes: number; readonly overlapMinutes: number }) =>
  z.strictObject({
    strategy: z.literal('watermark').describe(STRATEGY),
    lagMinutes: minutes
      .default(defaults.lagMinutes)
      .describe(
        'With `watermark`: the night ends so long before it begins. What is stamped now may not be committed yet.',
      ),
    overlapMinutes: minutes
      .default(defaults.overlapMinutes)
      .describe('With `watermark`: so much before the watermark is read again, for rows that were committed late.'),
  });
const snapshot = z.strictObject({ strategy: z.literal('snapshot').describe(STRATEGY) });
const changes = z.strictObject({ strategy: z.literal('changes').describe(STRATEGY) });

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
    type: z.literal('duckdb').describe('An embedded database, or files.'),
    path: z.string().min(1).optional().describe('The database file; without it, the warehouse of the embedded stack.'),
    table: tableName(2).optional().describe(`${TABLE} \`table\` or \`schema.table\`.`),
    query: sqlFile.optional().describe(QUERY),
    files: z
      .string()
      .regex(/\.(parquet|csv|csv\.gz)$/, 'must end in .parquet, .csv or .csv.gz')
      .optional()
      .describe('In place of a database: .parquet, .csv or .csv.gz files, by a path or a pattern with `*`.'),
    columns: columns.describe(COLUMNS),
    params: paramsSchema.describe(PARAMS),
    delta: z
      .discriminatedUnion('strategy', [watermark(AT_ONCE), snapshot])
      .default({ strategy: 'watermark', ...AT_ONCE })
      .describe(DELTA),
  })
  .superRefine(checkTogether);

export const postgresSourceSchema = z
  .strictObject({
    type: z.literal('postgres').describe('A PostgreSQL server.'),
    urlFrom: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable')
      .default('NIGHTREEL_POSTGRES_URL')
      .describe('The environment variable that holds the connection string; where it is not set, `PG*` are used.'),
    table: tableName(2).optional().describe(`${TABLE} \`table\` or \`schema.table\`.`),
    query: sqlFile.optional().describe(QUERY),
    columns: columns.describe(COLUMNS),
    params: paramsSchema.describe(PARAMS),
    delta: z
      .discriminatedUnion('strategy', [watermark(MANY_WRITERS), snapshot])
      .default({ strategy: 'watermark', ...MANY_WRITERS })
      .describe(DELTA),
  })
  .superRefine(checkTogether);

export const snowflakeSourceSchema = z
  .strictObject({
    type: z.literal('snowflake').describe('Snowflake.'),
    warehouse: z.string().min(1).optional().describe('Without it `SNOWFLAKE_WAREHOUSE`, or the user’s default.'),
    role: z.string().min(1).optional().describe('Without it `SNOWFLAKE_ROLE`, or the user’s default.'),
    database: z.string().min(1).optional().describe('Without it `SNOWFLAKE_DATABASE`, or the user’s default.'),
    schema: z.string().min(1).optional().describe('Without it `SNOWFLAKE_SCHEMA`, or the user’s default.'),
    table: tableName(3).optional().describe(`${TABLE} \`table\`, \`schema.table\` or \`database.schema.table\`.`),
    query: sqlFile.optional().describe(QUERY),
    columns: columns.describe(COLUMNS),
    params: paramsSchema.describe(PARAMS),
    delta: z
      .discriminatedUnion('strategy', [watermark(MANY_WRITERS), snapshot, changes])
      .default({ strategy: 'watermark', ...MANY_WRITERS })
      .describe(DELTA),
  })
  .superRefine(checkTogether);

export const csvSourceSchema = z.strictObject({
  type: z.literal('csv').describe('One file.'),
  path: z
    .string()
    .min(1)
    .describe(
      'An `s3://bucket/key` address, or a path on the machine that plans: absolute, or from the folder in which its worker was started.',
    ),
  delimiter: z
    .enum([',', ';', '\t', '|'])
    .optional()
    .describe('Between two cells; without it, the one that the first line has most of.'),
  columns: columns
    .extend({
      recipientId: columnName.default('recipient_id').describe('Whose row it is.'),
      updatedAt: columnName.default('updated_at').describe('When the row last changed.'),
    })
    .default({ recipientId: 'recipient_id', updatedAt: 'updated_at' })
    .describe(COLUMNS),
  params: paramsSchema.optional().describe(`${PARAMS} Without it every other column is the param of its own name.`),
  delta: z
    .discriminatedUnion('strategy', [watermark(AT_ONCE), snapshot])
    .default({ strategy: 'watermark', ...AT_ONCE })
    .describe(DELTA),
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
