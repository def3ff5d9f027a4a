/** Opens the source that a campaign names. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Failure } from '../contracts/failures.ts';
import { openCsvWarehouse } from './csv.ts';
import { openDuckDbWarehouse } from './duckdb.ts';
import type { WarehouseReader } from './reader.ts';
import type { WarehouseSource } from './source.ts';

export interface OpenWarehouseOptions {
  /** The embedded stack's warehouse, for a DuckDB source without a path. */
  readonly defaultDuckDbPath?: string;
  /** The template's JSON Schema: gives CSV cells their types. */
  readonly paramsSchema?: object;
}

/** A reader for the source; the caller disposes it. Throws `Failure('CampaignInvalid')` when no file is named anywhere. */
export function openWarehouse(source: WarehouseSource, options: OpenWarehouseOptions = {}): WarehouseReader {
  switch (source.type) {
    case 'duckdb': {
      const path = source.path ?? options.defaultDuckDbPath;
      if (path === undefined) {
        throw new Failure('CampaignInvalid', 'the DuckDB source has no path, and there is no embedded warehouse here');
      }
      return openDuckDbWarehouse({ ...source, path });
    }
    case 'csv':
      return openCsvWarehouse({
        name: source.path,
        open: async () => {
          const stream = createReadStream(source.path);
          await once(stream, 'open');
          return stream;
        },
        columns: source.columns,
        params: source.params,
        paramsSchema: options.paramsSchema,
      });
  }
}
