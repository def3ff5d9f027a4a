/** What PostgreSQL and its driver throw → a failure of the closed list. Source: PostgreSQL, "Error Codes". */

import { isNativeError } from 'node:util/types';
import { asFailure, Failure } from '../../contracts/failures.ts';
import { codeOf } from '../../machine/system-error.ts';

/** SQLSTATE classes and codes that pass by themselves. */
const TRANSIENT = /^(08|53|57P0[1-5]|58|40001|40P01|55P03|57014|25P03|XX000)/;
const DENIED = /^(28|3D000|42501|0L|0P)/;
/** What is wrong in the campaign or its query: their messages name tables, columns and SQL. */
const WRONG_SQL = /^(42|0A|3F|26|25006)/;
/** Errors of the network and the driver without SQLSTATE. */
const NETWORK =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$|terminated|timeout|Client was closed/i;

/** @param name the server as messages name it: host, port and database. */
export function postgresFailure(error: unknown, name: string, signal?: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal?.aborted) return new Failure('Cancelled', `reading ${name} was cancelled`, { cause: error });
  const message = messageOf(error);
  const code = String(codeOf(error) ?? '');
  // EPIPE looks like one.
  const isState = /^[0-9A-Z]{5}$/.test(code) && !NETWORK.test(code);
  if (isState && DENIED.test(code)) {
    return new Failure('WarehouseDenied', `${name} refuses access: ${message} (${code})`, { cause: error });
  }
  if (isState && TRANSIENT.test(code)) {
    return new Failure('WarehouseUnavailable', `${name} cannot be read just now: ${message} (${code})`, {
      cause: error,
    });
  }
  if (isState && WRONG_SQL.test(code))
    return new Failure('SqlError', `${name}: ${message} (${code})`, { cause: error });
  // Others, conversion errors above all, quote the value that they stumbled over: that is somebody's, and stays here.
  if (isState) return new Failure('SqlError', `${name}: PostgreSQL reports error ${code} while reading the rows`);
  if (NETWORK.test(code) || NETWORK.test(message)) {
    return new Failure('WarehouseUnavailable', `${name} does not answer: ${message}`, { cause: error });
  }
  if (/password|SASL|SSL|certificate/i.test(message)) {
    return new Failure('WarehouseDenied', `${name} refuses access: ${message}`, { cause: error });
  }
  return asFailure(error);
}

/** A host with several addresses fails with one error per address and no message of its own. */
function messageOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const text = isNativeError(first) || first instanceof Error ? first.message : String(first);
  return text.split('\n')[0] ?? '';
}
