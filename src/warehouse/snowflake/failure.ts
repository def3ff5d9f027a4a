/** What Snowflake and its driver report → a failure of the closed list. */

import { asFailure, Failure } from '../../contracts/failures.ts';

/** Session gone or expired, service busy, statement cancelled or timed out; the driver's own for network and result chunks. */
const TRANSIENT = /^(39011[0-4]|390195|000604|000605|000630|000629|2700\d\d|40100[1-4]|40200[12]|40550[13]|40700[12])$/;
const DENIED = /^(39\d{4}|003001|000606|000607|250001|404\d{3}|405506|405507)$/;
/** Wrong SQL, objects and columns that are not there, time travel beyond what the table keeps: no row is quoted. */
const WRONG_SQL = /^(000707|000709|000710|001\d{3}|002\d{3}|000904|000905)$/;

const HINTS: Readonly<Record<string, string>> = {
  '000606': ' Name a warehouse in the source or in SNOWFLAKE_WAREHOUSE, or resume it.',
  '000607': ' Resume the warehouse, or let it resume by itself (AUTO_RESUME).',
  '000707': ' Raise DATA_RETENTION_TIME_IN_DAYS of the table above the longest pause between two nights.',
};

interface DriverError {
  readonly code?: unknown;
  readonly sqlState?: unknown;
  readonly message?: unknown;
  readonly response?: { readonly statusCode?: unknown };
}

/** @param name the account as messages name it. */
export function snowflakeFailure(error: unknown, name: string, signal?: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal?.aborted) return new Failure('Cancelled', `reading ${name} was cancelled`, { cause: error });
  const {
    code: given,
    sqlState,
    message: text,
  } = (typeof error === 'object' && error !== null ? error : {}) as DriverError;
  const bare = given === undefined ? '' : String(given);
  const code = /^\d+$/.test(bare) ? bare.padStart(6, '0') : bare;
  const message = String(text ?? error)
    .replaceAll(/\s+/g, ' ')
    .slice(0, 300);
  const hint = HINTS[code] ?? '';
  if (TRANSIENT.test(code) || /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/.test(code)) {
    return new Failure('WarehouseUnavailable', `${name} cannot be read just now: ${message} (${code})`, {
      cause: error,
    });
  }
  if (DENIED.test(code)) {
    return new Failure('WarehouseDenied', `${name} refuses access: ${message} (${code}).${hint}`, { cause: error });
  }
  if (WRONG_SQL.test(code) || /^42/.test(String(sqlState))) {
    return new Failure('SqlError', `${name}: ${message} (${code}).${hint}`, { cause: error });
  }
  // Others, conversion errors above all, quote the value that they stumbled over: that is somebody's, and stays here.
  if (/^\d{6}$/.test(code))
    return new Failure('SqlError', `${name}: Snowflake reports error ${code} while reading the rows`);
  return asFailure(error);
}
