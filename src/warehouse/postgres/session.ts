/** One connection to PostgreSQL with one read-only transaction: everything that is read through it is of one moment. */

import pg from 'pg';
import Cursor from 'pg-cursor';
import { Failure } from '../../contracts/failures.ts';
import { postgresFailure } from './failure.ts';

/** A server that does not answer at all; a sort of many rows before the first may take long. */
const CONNECT_WITHIN_MS = 15_000;
const CANCEL_WITHIN_MS = 3_000;
/** Rows of one answer are kept to about so many bytes, and to so many rows. */
const BATCH_BYTES = 2_000_000;
const BATCH_ROWS = { first: 200, most: 5_000 } as const;

/** Values stay the text that the server sends: the driver's own parsers round and convert to local time. */
const AS_TEXT = { getTypeParser: () => (text: unknown) => text } as unknown as pg.CustomTypesConfig;

/** Everything is text in UTC, whatever the role and the database have set. */
const SESSION = `SET TIME ZONE 'UTC'; SET DateStyle TO 'ISO, MDY'; SET IntervalStyle TO 'iso_8601'; SET extra_float_digits TO 1;
  SET client_encoding TO 'UTF8'; SET idle_in_transaction_session_timeout TO 0;
  BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`;

export type TextRow = readonly (string | null)[];

export interface TextResult {
  /** Type of each column, as `pg_type.oid`. */
  readonly typeIds: readonly number[];
  readonly rows: readonly TextRow[];
}

export class PostgresSession implements AsyncDisposable {
  /** Host, port and database, for messages; never the password. */
  readonly name: string;
  readonly #config: pg.ClientConfig;
  readonly #client: pg.Client;
  /** Set when the connection was lost: the driver says so once, to whoever listens. */
  #lost: Error | null = null;

  private constructor(config: pg.ClientConfig) {
    this.#config = config;
    this.#client = new pg.Client(config);
    this.#client.on('error', (error) => {
      this.#lost ??= error;
    });
    const { host, port, database } = this.#client;
    this.name = `postgres://${host}:${port}/${database ?? ''}`;
  }

  /** @param url absent: the PG* variables decide, as for psql. Failure `EnvironmentInvalid` when it is none. */
  static async open(url: string | undefined, signal: AbortSignal): Promise<PostgresSession> {
    const session = new PostgresSession({
      ...(url === undefined ? {} : { connectionString: checkedAddress(url) }),
      application_name: 'nightreel',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      keepAlive: true,
    });
    try {
      signal.throwIfAborted();
      await session.#client.connect();
      await session.#client.query(SESSION);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw postgresFailure(error, session.name, signal);
    }
  }

  /** The statement's column types, without its rows. */
  async describe(sql: string, values: readonly unknown[]): Promise<readonly number[]> {
    const { fields } = await this.#client.query({ text: sql, values: [...values], rowMode: 'array', types: AS_TEXT });
    return fields.map(({ dataTypeID }) => dataTypeID);
  }

  /**
   * The statement's rows, some at a time, through a cursor on the server: what is not read yet stays there. Ends early when
   * the iteration does; an abort cancels the statement on the server.
   */
  async *stream(
    sql: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): AsyncGenerator<TextResult, void, undefined> {
    signal.throwIfAborted();
    const cursor = this.#client.query(new Cursor<TextRow>(sql, [...values], { rowMode: 'array', types: AS_TEXT }));
    // Without it the socket is cut, and the server goes on sorting.
    const cancel = () => void this.#cancelStatement();
    signal.addEventListener('abort', cancel, { once: true });
    let count: number = BATCH_ROWS.first;
    let typeIds: readonly number[] | null = null;
    try {
      for (;;) {
        const { rows, fields } = await this.#read(cursor, count);
        signal.throwIfAborted();
        // The driver tells the columns with the rows only.
        if (rows.length === 0) return;
        typeIds ??= fields.map(({ dataTypeID }) => dataTypeID);
        yield { typeIds, rows };
        count = nextCount(rows);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      if (this.#lost === null) await cursor.close().catch(() => undefined);
    }
  }

  /** One answer of the cursor. The driver leaves it waiting for ever when the connection is lost in between. */
  async #read(cursor: Cursor<TextRow>, count: number): Promise<{ rows: TextRow[]; fields: pg.FieldDef[] }> {
    if (this.#lost !== null) throw this.#lost;
    const { promise, resolve, reject } = Promise.withResolvers<{ rows: TextRow[]; fields: pg.FieldDef[] }>();
    const onEnd = () => reject(this.#lost ?? new Failure('WarehouseUnavailable', `${this.name} ended the connection`));
    this.#client.once('end', onEnd);
    try {
      cursor.read(count, (error, rows, result) => {
        if (error) reject(error);
        else resolve({ rows, fields: (result as pg.QueryResult | undefined)?.fields ?? [] });
      });
      return await promise;
    } finally {
      this.#client.removeListener('end', onEnd);
    }
  }

  async #cancelStatement(): Promise<void> {
    const other = new pg.Client({ ...this.#config, connectionTimeoutMillis: CANCEL_WITHIN_MS });
    other.on('error', () => undefined);
    try {
      await other.connect();
      const { processID } = this.#client as unknown as { readonly processID: number };
      await other.query({ text: 'SELECT pg_cancel_backend($1)', values: [processID] });
    } catch {
      // Best effort: a server that takes no connection now is not reading for us either; the session's end follows.
    } finally {
      await other.end().catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A lost connection has nothing to say goodbye to, and the driver would wait for the answer.
    if (this.#lost === null) await this.#client.end().catch(() => undefined);
  }
}

/**
 * The driver takes any text for the name of a database, which messages then show: `host=db password=…` as psql knows it would go into
 * Temporal and the log. Sockets are a path, or `socket:` and a path.
 */
function checkedAddress(url: string): string {
  if (/^(\/|socket:)/.test(url) || (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url))) return url;
  throw new Failure(
    'EnvironmentInvalid',
    "The connection string of a PostgreSQL source must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with what is no letter or digit of the password percent-encoded ('/' as %2F). It is not shown here, as it holds the password.",
  );
}

/** How many rows to ask for next, from the sizes of those just read. */
function nextCount(rows: readonly TextRow[]): number {
  let bytes = 0;
  for (const row of rows) for (const cell of row) bytes += cell?.length ?? 0;
  const each = Math.max(1, bytes / rows.length);
  return Math.max(1, Math.min(BATCH_ROWS.most, Math.floor(BATCH_BYTES / each)));
}
