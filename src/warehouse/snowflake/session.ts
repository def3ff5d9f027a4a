/** One session with Snowflake: statements one after another, rows as a stream in small chunks. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Column, Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk';
import { Failure } from '../../contracts/failures.ts';
import { snowflakeDriver } from './driver.ts';
import { snowflakeFailure } from './failure.ts';

const CONNECT_WITHIN_MS = 60_000;
/** The driver tries a login again for minutes otherwise; the activity's own retries wait better. */
const LOGIN_RETRIES = 2;
/** Megabytes of a chunk of the result; the least that Snowflake takes. */
const CHUNK_MEGABYTES = 16;
/** Times of day come as text in the session's format, whose default has no fractions. */
const SESSION = `ALTER SESSION SET TIMEZONE = 'UTC', TIME_OUTPUT_FORMAT = 'HH24:MI:SS.FF9', CLIENT_RESULT_CHUNK_SIZE = ${CHUNK_MEGABYTES}`;
/** Rows that the driver keeps ready, and chunks that it fetches ahead. */
const ROWS_AHEAD = 200;
const CHUNKS_AHEAD = 1;

export interface SnowflakeResult {
  readonly columns: readonly Column[];
  readonly rows: AsyncIterable<readonly unknown[]>;
}

export class SnowflakeSession implements AsyncDisposable {
  /** For messages: the account, never the user or a secret. */
  readonly name: string;
  readonly #connection: Connection;

  private constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  /** @param tag the session's query tag, 2,000 characters at most. */
  static async open(
    options: ConnectionOptions & { readonly account: string },
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<SnowflakeSession> {
    const name = `snowflake://${options.account}`;
    try {
      signal.throwIfAborted();
      const driver = await snowflakeDriver();
      const connection = driver.createConnection({
        ...options,
        application: 'Nightreel',
        ...(tag === undefined ? {} : { queryTag: tag }),
        sfRetryMaxLoginRetries: LOGIN_RETRIES,
        resultPrefetch: CHUNKS_AHEAD,
        rowStreamHighWaterMark: ROWS_AHEAD,
        // Else a NULL that is fetched as text is the text 'NULL'.
        representNullAsStringNull: false,
        disableQueryContextCache: true,
      } as ConnectionOptions);
      const session = new SnowflakeSession(name, connection);
      await withLimit(connect(connection), name, signal);
      await session.#run(SESSION);
      return session;
    } catch (error) {
      throw snowflakeFailure(error, name, signal);
    }
  }

  async #run(sql: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#connection.execute({ sqlText: sql, complete: (error) => (error ? reject(error) : resolve()) });
    await promise;
  }

  /** Starts a statement. Its rows must be read to their end or the iteration ended; an abort cancels it on the server. */
  async query(sql: string, binds: readonly string[], signal: AbortSignal): Promise<SnowflakeResult> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<RowStatement>();
    const started = this.#connection.execute({
      sqlText: sql,
      binds: [...binds],
      streamResult: true,
      rowMode: 'array',
      fetchAsString: ['Number'],
      complete: (error, done) => (error ? reject(error) : resolve(done as RowStatement)),
    }) as RowStatement;
    const cancel = () => {
      started.cancel(() => undefined);
      reject(signal.reason);
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const statement = await promise;
      const name = this.name;
      return { columns: statement.getColumns() ?? [], rows: rowsOf(statement, name, signal, cancel) };
    } catch (error) {
      signal.removeEventListener('abort', cancel);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // A session that is gone cannot be closed, and need not be.
    this.#connection.destroy(() => resolve());
    await Promise.race([promise, sleep(3_000, undefined, { ref: false })]);
  }
}

async function* rowsOf(
  statement: RowStatement,
  name: string,
  signal: AbortSignal,
  cancel: () => void,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const stream = statement.streamRows();
  const expected = statement.getNumRows();
  let count = 0;
  const abort = () => stream.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const row of stream) {
      count += 1;
      yield row as readonly unknown[];
    }
    // A stream that ends early ends like one that is complete: only the count tells.
    if (count !== expected) {
      throw new Failure('WarehouseUnavailable', `reading ${name} broke off after ${count} of ${expected} rows`);
    }
  } finally {
    signal.removeEventListener('abort', abort);
    signal.removeEventListener('abort', cancel);
    stream.destroy();
  }
}

/** The driver's own `connectAsync` says nothing of a login that was refused. */
async function connect(connection: Connection): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.connect((error) => (error ? reject(error) : resolve()));
  await promise;
}

/** The driver takes no signal. A login that is given up ends by itself when its own retries do. */
async function withLimit<T>(work: Promise<T>, name: string, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  try {
    const either = AbortSignal.any([signal, over.signal]);
    return await Promise.race([
      work,
      sleep(CONNECT_WITHIN_MS, undefined, { signal: either }).then(() => {
        throw new Failure(
          'WarehouseUnavailable',
          `${name} did not answer a login within ${CONNECT_WITHIN_MS / 1000} s`,
        );
      }),
    ]);
  } finally {
    over.abort();
  }
}
