/** Opens the source that a campaign names. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Failure } from '../contracts/failures.ts';
import { openCsvWarehouse } from './csv.ts';
import { openDuckDbWarehouse } from './duckdb/reader.ts';
import { openPostgresWarehouse } from './postgres/reader.ts';
import type { WarehouseReader } from './reader.ts';
import { fetchedFirst, isInBucket, type OpenObject, openS3File } from './s3-files.ts';
import { openSnowflakeWarehouse } from './snowflake/reader.ts';
import type { WarehouseSource } from './source.ts';
import { parseSql } from './sql/named-parameters.ts';

export interface OpenWarehouseOptions {
  /** The embedded stack's warehouse, for a DuckDB source without a path. */
  readonly defaultDuckDbPath?: string;
  /** The template's JSON Schema: gives CSV cells their types. */
  readonly paramsSchema?: object;
  /** Text of the source's `query`, for one that names it. */
  readonly queryText?: string;
  /** The variables that hold connection strings and credentials; absent: none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For files in a bucket. */
  readonly openObject?: OpenObject;
  /** Told to the warehouse with every statement, so that its owner sees whose they are. */
  readonly tag?: string;
}

/** A reader for the source; the caller disposes it. Throws `Failure('CampaignInvalid')` when no file is named anywhere. */
export function openWarehouse(source: WarehouseSource, options: OpenWarehouseOptions = {}): WarehouseReader {
  const { environment = {}, tag } = options;
  switch (source.type) {
    case 'duckdb': {
      const path = source.files === undefined ? (source.path ?? options.defaultDuckDbPath) : null;
      if (path === undefined) {
        throw new Failure('CampaignInvalid', 'the DuckDB source has no path, and there is no embedded warehouse here');
      }
      const query = queryOf(source, options);
      const { files } = source;
      if (files === undefined || !isInBucket(files)) return openDuckDbWarehouse({ ...source, path }, query);
      return fetchedFirst(files, options.openObject, (local) =>
        openDuckDbWarehouse({ ...source, path: null, files: local }, query),
      );
    }
    case 'postgres': {
      const query = queryOf(source, options);
      const url = environment[source.urlFrom];
      return openPostgresWarehouse({ source, ...(query && { query }), ...(url && { url }) });
    }
    case 'snowflake': {
      const query = queryOf(source, options);
      return openSnowflakeWarehouse({ source, environment, ...(query && { query }), ...(tag && { tag }) });
    }
    case 'csv':
      return openCsvWarehouse({
        name: source.path,
        open: async () => {
          if (isInBucket(source.path)) return await openS3File(source.path, options.openObject);
          const stream = createReadStream(source.path);
          await once(stream, 'open');
          return stream;
        },
        columns: source.columns,
        params: source.params,
        paramsSchema: options.paramsSchema,
        ...(source.delimiter && { delimiter: source.delimiter }),
      });
  }
}

function queryOf({ query }: { readonly query?: string | undefined }, { queryText }: OpenWarehouseOptions) {
  if (query === undefined) return undefined;
  if (queryText === undefined) throw new Failure('CampaignInvalid', `the source's query ${query} was not read`);
  return parseSql(queryText, query);
}
