/** The SQL of a delta, as pure text. Names come from the campaign file and are quoted; values are bound. */

import type { ChangeRange } from '../reader.ts';
import type { SourceColumns } from '../source.ts';
import { nanosecondsOf, stampFromNanoseconds } from '../watermark.ts';
import { type Dialect, quoteIdentifier, quoteTable, type StampColumn } from './dialect.ts';
import type { NamedParameter, ParsedSql } from './named-parameters.ts';

export interface Query {
  readonly sql: string;
  /** How many rows `sql` has. */
  readonly countSql: string;
  /** Bound by position: texts, and lists of texts. */
  readonly values: readonly (string | readonly string[])[];
}

/** Where rows come from. */
export type Relation =
  | { readonly table: string }
  | { readonly query: ParsedSql }
  /** A call such as `read_parquet('…')`, as SQL. */
  | { readonly sql: string };

export interface SqlSource {
  readonly relation: Relation;
  readonly columns: SourceColumns;
  /** The columns that the parameters need, each once. */
  readonly values: readonly string[];
}

/** Before everything that happened: the start of a first night, for a query of the user's own. */
const BEGINNING = '0001-01-01T00:00:00Z';

/** What a row comes as: ID as text, stamp, withdrawn, consent, then `values`. `stamp` is how its time is fetched. */
export function rowCells(
  dialect: Dialect,
  { columns, values }: Pick<SqlSource, 'columns' | 'values'>,
  stamp: string,
): string[] {
  return [
    dialect.asText(quoteIdentifier(columns.recipientId)),
    stamp,
    cellOf(columns.withdrawn),
    cellOf(columns.consent),
    ...values.map(quoteIdentifier),
  ];
}

/** A column, or NULL where the source has none. */
export const cellOf = (name: string | undefined): string => (name === undefined ? 'NULL' : quoteIdentifier(name));

/** Builds the statements for one source. */
export class DeltaQueries {
  readonly #dialect: Dialect;
  readonly #source: SqlSource;

  constructor(dialect: Dialect, source: SqlSource) {
    this.#dialect = dialect;
    this.#source = source;
  }

  /** Reads nothing; its result's column types say whether the source fits. */
  probe(): Query {
    const statement = new Statement(this.#dialect, this.#source);
    return statement.query(
      '1 = 0',
      { since: null, until: BEGINNING },
      'none',
      this.#source.columns.updatedAt !== undefined,
    );
  }

  /** Rows in (since, until], then those whose stamp has no place in time, to be rejected rather than to vanish. */
  changes(column: StampColumn, range: ChangeRange): Query {
    const { since, until } = range;
    const statement = new Statement(this.#dialect, this.#source);
    const { id, stamp } = statement;
    const conditions = [`${stamp} <= ${statement.bindStamp(until, column).sql}`];
    if (since !== null) {
      const start = statement.bindStamp(since.updatedAt, column);
      if (!start.exact || since.recipientId === null) conditions.push(`${stamp} > ${start.sql}`);
      else if (since.recipientId === '') conditions.push(`${stamp} >= ${start.sql}`);
      else {
        const last = this.#dialect.asBytes(this.#dialect.asText(statement.bind(since.recipientId)));
        const later = `${id} IS NULL OR ${this.#dialect.asBytes(this.#dialect.asText(id))} > ${last}`;
        conditions.push(`(${stamp} > ${start.sql} OR (${stamp} = ${start.sql} AND (${later})))`);
      }
    }
    return statement.query(`(${conditions.join(' AND ')}) OR ${this.#dialect.isUnusable(stamp)}`, range, 'stamp');
  }

  /** Rows of these people up to `until`; `column` is null for a source without stamps. */
  recipients(column: StampColumn | null, ids: readonly string[], until: string): Query {
    const statement = new Statement(this.#dialect, this.#source);
    const { id, stamp } = statement;
    const isNamed = this.#dialect.isOneOf(this.#dialect.asText(id), statement.bind(ids));
    const range = { since: null, until };
    if (column === null) return statement.query(isNamed, range, 'none');
    const inTime = `${stamp} <= ${statement.bindStamp(until, column).sql} OR ${this.#dialect.isUnusable(stamp)}`;
    return statement.query(`${isNamed} AND (${inTime})`, range, 'stamp');
  }

  /** Every row; a query of the user's own sees `until` as its end. */
  all(column: StampColumn | null, until: string): Query {
    const statement = new Statement(this.#dialect, this.#source);
    return statement.query('1 = 1', { since: null, until }, column === null ? 'none' : 'person');
  }
}

/** One statement in the making: collects the values that are bound to it. */
class Statement {
  readonly id: string;
  /** NULL where the source has none. */
  readonly stamp: string;
  readonly #dialect: Dialect;
  readonly #source: SqlSource;
  readonly #bound: (string | readonly string[])[] = [];

  constructor(dialect: Dialect, source: SqlSource) {
    this.#dialect = dialect;
    this.#source = source;
    this.id = quoteIdentifier(source.columns.recipientId);
    this.stamp = cellOf(source.columns.updatedAt);
  }

  bind(value: string | readonly string[]): string {
    const known = this.#bound.indexOf(value);
    if (known >= 0) return this.#dialect.placeholder(known + 1);
    return this.#dialect.placeholder(this.#bound.push(value));
  }

  /** A time as a bound value of the column's type, rounded down to its tick. */
  bindStamp(text: string, column: StampColumn): { readonly sql: string; readonly exact: boolean } {
    const nanoseconds = nanosecondsOf(text);
    const tick = column.tickNanoseconds;
    const over = ((nanoseconds % tick) + tick) % tick;
    const rounded = stampFromNanoseconds(nanoseconds - over) ?? text;
    // A column without time zone is UTC: the offset must not be there to be converted to the session's zone.
    const value = column.hasZone ? rounded : rounded.replace(/Z$/, '');
    return { sql: this.#dialect.asStamp(this.bind(value), column), exact: over === 0n };
  }

  /** @param raw whether the stamp comes as the column has it, so that its type is seen. */
  query(where: string, range: ChangeRange, order: 'stamp' | 'person' | 'none', raw = false): Query {
    const isFetched = !raw && this.#source.columns.updatedAt !== undefined;
    const stamp = (isFetched ? this.#dialect.fetchStamp?.(this.stamp) : undefined) ?? this.stamp;
    const cells = rowCells(this.#dialect, this.#source, stamp).map(
      (expression, at) => `${expression} AS ${quoteIdentifier(`c${at}`)}`,
    );
    const from = this.#relation(range);
    return {
      sql: `SELECT ${cells.join(', ')} FROM ${from} WHERE ${where}${this.#orderBy(order)}`,
      countSql: `SELECT count(*) FROM ${from} WHERE ${where}`,
      values: this.#bound,
    };
  }

  #relation({ since, until }: ChangeRange): string {
    const { relation } = this.#source;
    if ('table' in relation) return quoteTable(relation.table);
    if ('sql' in relation) return relation.sql;
    const place: Record<NamedParameter, () => string> = {
      since: () => this.#dialect.asInstant(this.bind(since?.updatedAt ?? BEGINNING)),
      until: () => this.#dialect.asInstant(this.bind(until)),
      after_id: () => this.#dialect.asText(this.bind(since?.recipientId ?? '')),
    };
    // On lines of its own: the query may end in a comment.
    return `(\n${relation.query.fill((name) => place[name]())}\n) AS ${quoteIdentifier('delta')}`;
  }

  /**
   * IDs are compared as UTF-8 bytes, so neither a column's collation nor a numeric ID changes the order. The params come
   * last: rows with the same stamp and ID have no order of their own, and this gives them one that a second read repeats.
   */
  #orderBy(order: 'stamp' | 'person' | 'none'): string {
    if (order === 'none') return '';
    const { stamp } = this;
    const id = `${this.#dialect.asBytes(this.#dialect.asText(this.id))} NULLS LAST`;
    const unusable = `(${this.#dialect.isUnusable(stamp)})`;
    if (order === 'person') return ` ORDER BY ${id}, ${unusable} DESC, ${stamp}`;
    const ties = this.#dialect.sortsParams ? this.#source.values.map(quoteIdentifier) : [];
    return ` ORDER BY ${[unusable, stamp, id, ...ties].join(', ')}`;
  }
}
