/** Reads a CSV: RFC 4180, UTF-8, a header row; record by record, in the file's own order. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isNativeError } from 'node:util/types';
import { type CsvError, parse } from 'csv-parse';
import { parse as parseSync } from 'csv-parse/sync';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from '../machine/system-error.ts';
import { paramCoercion } from './coercion.ts';
import { compileMapping, type Mapping } from './mapping.ts';
import type { ChangeRange, SourceRow, WarehouseReader } from './reader.ts';
import type { CsvSource, SourceColumns } from './source.ts';
import { isWithdrawn } from './sql/rows.ts';
import { isAfterWatermark, stampFromNanoseconds, stampToNanoseconds } from './watermark.ts';

export interface CsvWarehouseOptions {
  /** How messages name the file. */
  readonly name: string;
  /** Opens the file from its beginning; called once per read, and the stream is destroyed after it. */
  readonly open: () => Promise<Readable>;
  readonly columns?: CsvSource['columns'];
  /** Says which column is what once the header has been read, in place of `columns` and `params`; may refuse it with a `Failure`. */
  readonly layout?: (header: readonly string[]) => CsvLayout;
  /** Absent: the one of `,` `;` tab and `|` that the first line has most of. */
  readonly delimiter?: string;
  /** Absent: a column is the parameter of its own name, where the schema has that one. */
  readonly params?: CsvSource['params'];
  /** The template's JSON Schema: cells become the types it asks for (`"12"` → 12). Absent: all stay text, all columns count. */
  readonly paramsSchema?: object;
}

/** Which column is what: see `CsvSource`. */
export interface CsvLayout {
  readonly columns: SourceColumns;
  readonly params?: CsvSource['params'];
}

/** One record may not be larger: a quote that is never closed would otherwise read the rest of the file into memory. */
const MAX_RECORD_CHARACTERS = 256 * 1024;

/** Which cell is what. */
interface Header {
  readonly columns: SourceColumns;
  readonly id: number;
  readonly stamp: number;
  readonly withdrawn: number;
  readonly consent: number;
  readonly destination: number;
  readonly at: ReadonlyMap<string, number>;
  readonly mapping: Mapping;
}

const DEFAULT_COLUMNS: CsvSource['columns'] = { recipientId: 'recipient_id', updatedAt: 'updated_at' };

/** The usual columns, and the one that says where people watch. */
export const csvColumns = (destination: string): CsvSource['columns'] => ({ ...DEFAULT_COLUMNS, destination });

export function openCsvWarehouse(options: CsvWarehouseOptions): WarehouseReader {
  const closing = new AbortController();
  const coerce = paramCoercion(options.paramsSchema);

  async function* read(
    keep: (row: SourceRow) => boolean,
    outer: AbortSignal,
  ): AsyncGenerator<SourceRow, void, undefined> {
    const signal = AbortSignal.any([outer, closing.signal]);
    try {
      let header: Header | null = null;
      for await (const record of records(options, signal)) {
        if ('problem' in record) {
          if (header === null) throw malformedHeader(options.name, record.problem);
          yield { line: record.line, recipientId: null, updatedAt: null, params: {}, problem: record.problem };
        } else if (header === null) {
          header = readHeader(record.cells, options);
        } else {
          const row = toRow(record.cells, record.line, { header, coerce });
          if (keep(row)) yield row;
        }
      }
      if (header === null) throw empty(options.name);
    } catch (error) {
      throw csvFailure(error, options.name, signal);
    }
  }

  const inTime = ({ updatedAt, recipientId, problem }: SourceRow, { since, until }: ChangeRange) =>
    updatedAt === null ||
    problem !== undefined ||
    (isAfterWatermark({ updatedAt, recipientId }, since) &&
      !isAfterWatermark({ updatedAt, recipientId }, { updatedAt: until, recipientId: null }));

  return {
    kind: 'csv',
    capabilities: { watermark: false, changes: false, snapshot: true },
    async probe(signal) {
      try {
        for await (const record of records(options, signal)) {
          if ('problem' in record) throw malformedHeader(options.name, record.problem);
          readHeader(record.cells, options);
          return { columnsSeen: true };
        }
        throw empty(options.name);
      } catch (error) {
        throw csvFailure(error, options.name, signal);
      }
    },
    readChanges: (range, signal) => read((row) => inTime(row, range), signal),
    readRecipients: (ids, until, signal) => {
      const wanted = new Set(ids);
      const isWanted = (row: SourceRow) => row.recipientId !== null && wanted.has(row.recipientId);
      return read((row) => isWanted(row) && inTime(row, { since: null, until }), signal);
    },
    readAll: (signal) => read(() => true, signal),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the CSV reader was closed'));
    },
  };
}

type CsvRecord =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** Records of the file, header first; a malformed one comes as its problem, and the file goes on after it. */
async function* records(
  { name, open, delimiter }: CsvWarehouseOptions,
  signal: AbortSignal,
): AsyncGenerator<CsvRecord, void, undefined> {
  signal.throwIfAborted();
  // The parser runs ahead of what is read from it: a malformed line waits here for its turn.
  const skipped: CsvRecord[] = [];
  let last = 0;
  let neverClosed = false;
  const opened = await open();
  const { input, found } = delimiter === undefined ? await sniff(opened) : { input: opened, found: delimiter };
  const parser = parse({
    bom: true,
    delimiter: found,
    info: true,
    skip_empty_lines: true,
    // A quote in the middle of a cell then spoils its own line, not all up to the next quote; `isStrict` finds it again.
    relax_quotes: true,
    raw: true,
    skip_records_with_error: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    on_skip: (error: CsvError | undefined) => {
      if (error?.code === 'CSV_QUOTE_NOT_CLOSED') neverClosed = true;
      else skipped.push({ line: lineOf(error), problem: problemOf(error) });
      return undefined;
    },
  });
  // Its error is the parser's too, whose iteration below throws it; here it must only not go unhandled.
  const flowing = pipeline(input, parser, { signal }).catch((error: unknown) => error);
  try {
    for await (const { info, raw, record: cells } of parser as AsyncIterable<ParsedRecord>) {
      while (skipped[0] !== undefined && skipped[0].line <= info.lines) yield* skipped.splice(0, 1);
      last = info.lines;
      if (!cells.some((cell) => cell.includes('"')) || isStrict(raw, found)) yield { line: info.lines, cells };
      else yield { line: info.lines, problem: STRAY_QUOTE };
    }
    yield* skipped;
    if (neverClosed)
      throw denied(name, `a quote that opens after line ${last} is never closed, so all that follows is lost`);
  } finally {
    parser.destroy();
    await flowing;
  }
}

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** A first line longer than this is no header. */
const SNIFFED_BYTES = 64 * 1024;

/** The delimiter that the first line has most of, outside quotes; a comma where it has none. */
async function sniff(stream: Readable): Promise<{ readonly input: Readable; readonly found: string }> {
  const chunks: Buffer[] = [];
  let [bytes, isWhole] = [0, false];
  const iterator = stream[Symbol.asyncIterator]();
  while (!isWhole && bytes < SNIFFED_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    const chunk = Buffer.from(next.value);
    chunks.push(chunk);
    bytes += chunk.length;
    isWhole = chunk.includes('\n');
  }
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split('\n');
  const bare = line.replaceAll(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((one) => bare.split(one).length);
  async function* whole() {
    try {
      yield* chunks;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      stream.destroy();
    }
  }
  return {
    input: Readable.from(whole(), { objectMode: false }),
    found: DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',',
  };
}

interface ParsedRecord {
  readonly info: { readonly lines: number };
  readonly raw: string;
  readonly record: readonly string[];
}

const STRAY_QUOTE = 'a quote stands in the middle of a cell; a quote inside quotes is written twice';

/** Whether one record is CSV without any leniency. */
function isStrict(raw: string, delimiter: string): boolean {
  try {
    return parseSync(raw, { bom: true, delimiter, skip_empty_lines: true }).length === 1;
  } catch {
    // The parser says no by throwing, with the cell in its message.
    return false;
  }
}

function readHeader(cells: readonly string[], { name, layout, paramsSchema, ...given }: CsvWarehouseOptions): Header {
  // A file without a header begins with a person: no message quotes a cell.
  const names = cells.map((cell) => cell.trim());
  const twice = names.findIndex((column, at) => names.indexOf(column) !== at);
  if (twice >= 0) {
    const first = names.indexOf(names[twice] ?? '');
    throw denied(name, `columns ${first + 1} and ${twice + 1} of its first line have the same name; rename one`);
  }
  const { columns = DEFAULT_COLUMNS, params } = layout?.(names) ?? given;
  const required = (column: string): number => {
    const at = names.indexOf(column);
    if (at >= 0) return at;
    const width = names.length === 1 ? '1 column' : `${names.length} columns`;
    throw denied(
      name,
      `it has no column '${column}': its first line has ${width}, none of that name. Let the first line name the columns, separated by commas, or correct the names in the campaign's source`,
    );
  };
  const leading = {
    id: required(columns.recipientId),
    stamp: columns.updatedAt === undefined ? -1 : names.indexOf(columns.updatedAt),
    withdrawn: columns.withdrawn === undefined ? -1 : required(columns.withdrawn),
    consent: columns.consent === undefined ? -1 : required(columns.consent),
  };
  const taken = new Set(Object.values(leading));
  const { destination } = columns;
  const known = schemaProperties(paramsSchema);
  // The destination may be a parameter as well.
  const isParam = (column: string): boolean => known?.has(column) ?? column !== destination;
  const byName = names.filter((column, at) => column !== '' && !taken.has(at) && isParam(column));
  // An empty cell says nothing: the schema decides whether the parameter may be absent.
  const mapping = compileMapping(params ?? Object.fromEntries(byName.map((column) => [column, column])), {
    emptyIsAbsent: true,
  });
  const at = new Map(mapping.columns.map((column) => [column, required(column)]));
  return { columns, ...leading, destination: destination === undefined ? -1 : required(destination), at, mapping };
}

/** Names of the parameters that a schema lists, or null when it lists none. */
function schemaProperties(schema: object | undefined): ReadonlySet<string> | null {
  const listed = z.object({ properties: z.record(z.string(), z.unknown()) }).safeParse(schema);
  return listed.success ? new Set(Object.keys(listed.data.properties)) : null;
}

interface RowContext {
  readonly header: Header;
  readonly coerce: (params: Record<string, unknown>) => Record<string, unknown>;
}

function toRow(cells: readonly string[], line: number, { header, coerce }: RowContext): SourceRow {
  const { columns } = header;
  const stamp = cells[header.stamp];
  const nanoseconds = stamp ? stampToNanoseconds(stamp) : null;
  // Half a name is nobody's.
  const recipientId = cells[header.id]?.includes('\uFFFD') ? null : cells[header.id] || null;
  const updatedAt = nanoseconds === null ? null : stampFromNanoseconds(nanoseconds);
  const place = { line, recipientId, updatedAt };
  if (cells.some((cell) => cell.includes('\uFFFD'))) {
    return { ...place, params: {}, problem: 'the line is not valid UTF-8' };
  }
  if (stamp && updatedAt === null) {
    const problem = 'the time of the last change is not ISO 8601 with an offset, like 2026-11-23T03:00:00Z';
    return { ...place, params: {}, problem };
  }
  if (isWithdrawn(columns, cells[header.withdrawn], cells[header.consent])) {
    return { ...place, params: {}, withdrawn: true };
  }
  const { params, problem } = header.mapping.map((column) => cells[header.at.get(column) ?? -1] || null);
  if (problem !== undefined) return { ...place, params: {}, problem: problem.reason, problemPath: problem.path };
  const where = columns.destination === undefined ? {} : { destination: cells[header.destination] };
  return { ...place, params: coerce({ ...params }), ...where };
}

/** Lines are counted at the end of a record, as far as the parser got. */
const lineOf = (error: CsvError | undefined): number => {
  const lines = error?.['lines'];
  return typeof lines === 'number' ? lines : 0;
};

/** In our words: the parser's messages quote the cell. */
function problemOf(error: CsvError | undefined): string {
  switch (error?.code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
      return 'the line has more or fewer cells than the header';
    case 'CSV_MAX_RECORD_SIZE':
      return `the line is longer than ${MAX_RECORD_CHARACTERS} characters; a quote may be left open`;
    default:
      return `the line is not CSV (${error?.code ?? 'unknown'})`;
  }
}

const denied = (name: string, what: string): Failure =>
  new Failure('WarehouseDenied', `${name} cannot be read: ${what}`);

const malformedHeader = (name: string, problem: string): Failure =>
  denied(name, `its header row is malformed: ${problem}`);

const empty = (name: string): Failure => denied(name, 'it is empty; its first line must name the columns');

const NODE_DENIED = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR']);

function csvFailure(error: unknown, name: string, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal.aborted) return new Failure('Cancelled', `reading ${name} was cancelled`, { cause: error });
  const message = isNativeError(error) ? error.message : String(error);
  const code = String(codeOf(error) ?? '');
  return NODE_DENIED.has(code)
    ? new Failure('WarehouseDenied', `${name} cannot be opened: ${message}`, { cause: error })
    : new Failure('WarehouseUnavailable', `${name} cannot be read just now: ${message}`, { cause: error });
}
