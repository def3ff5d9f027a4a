/**
 * Texts that are written once, in order, and read again later: a little of them in memory, the rest in a temporary file. The
 * file has no name from the moment that it is open, so nothing of it is left whatever becomes of the process.
 */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { doubled } from './doubled.ts';

/** What is kept in memory: an ordinary night needs no file. */
const BUFFER_BYTES = 4 * 1024 * 1024;
/** Texts are mostly read in the order in which they were written. */
const READ_BYTES = 256 * 1024;

export class Spool implements Disposable {
  readonly #bufferBytes: number;
  readonly #folder: string;
  #file: number | null = null;
  #written = 0;
  #buffer: Buffer;
  #buffered = 0;
  /** Where each text ends. */
  #ends = new Float64Array(1024);
  #size = 0;
  /** Bytes of the file that were read last, from `#windowStart` on. */
  #window = Buffer.alloc(0);
  #windowStart = 0;

  /** @param bufferBytes how much is kept in memory; the rest goes into a file in `folder`. */
  constructor({ bufferBytes = BUFFER_BYTES, folder = tmpdir() } = {}) {
    this.#bufferBytes = bufferBytes;
    this.#folder = folder;
    this.#buffer = Buffer.allocUnsafe(Math.min(bufferBytes, 64 * 1024));
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the text's number, from 0. Failure `EnvironmentInvalid` when there is no room. */
  append(text: string): number {
    const bytes = Buffer.from(text);
    if (this.#buffered + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    bytes.copy(this.#buffer, this.#buffered);
    this.#buffered += bytes.length;
    if (this.#size === this.#ends.length) this.#ends = doubled(this.#ends);
    this.#ends[this.#size] = this.#written + this.#buffered;
    this.#size += 1;
    return this.#size - 1;
  }

  at(number: number): string {
    const start = number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
    const end = this.#ends[number] ?? 0;
    // A text is wholly in the file or wholly in the buffer.
    if (start >= this.#written) {
      return this.#buffer.toString('utf8', start - this.#written, end - this.#written);
    }
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) this.#read(start, end);
    return this.#window.toString('utf8', start - this.#windowStart, end - this.#windowStart);
  }

  [Symbol.dispose](): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #makeRoom(needed: number): void {
    const wanted = this.#buffered + needed;
    if (wanted <= this.#bufferBytes) {
      const grown = Buffer.allocUnsafe(Math.min(this.#bufferBytes, Math.max(wanted, this.#buffer.length * 2)));
      this.#buffer.copy(grown, 0, 0, this.#buffered);
      this.#buffer = grown;
      return;
    }
    try {
      this.#file ??= openNameless(this.#folder);
      for (let from = 0; from < this.#buffered; ) {
        from += writeSync(this.#file, this.#buffer, from, this.#buffered - from, this.#written + from);
      }
    } catch (cause) {
      const { code = 'an error' } = cause as NodeJS.ErrnoException;
      throw new Failure(
        'EnvironmentInvalid',
        `A large night is planned with the help of a temporary file, and ${this.#folder} does not take it (${code}). Make room there, or set TMPDIR to another folder.`,
        { cause },
      );
    }
    this.#written += this.#buffered;
    this.#buffered = 0;
    if (needed > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(needed);
  }

  #read(start: number, end: number): void {
    if (this.#file === null) throw new TypeError('a spool cannot be read once it has been disposed of');
    const wanted = Math.min(Math.max(READ_BYTES, end - start), this.#written - start);
    if (this.#window.length < wanted) this.#window = Buffer.allocUnsafe(wanted);
    let read = 0;
    while (read < wanted) {
      const more = readSync(this.#file, this.#window, read, wanted - read, start + read);
      if (more === 0) throw new TypeError('a file that nobody else knows ended early');
      read += more;
    }
    this.#window = this.#window.subarray(0, wanted);
    this.#windowStart = start;
  }
}

function openNameless(parent: string): number {
  const folder = mkdtempSync(join(parent, 'nightreel-plan-'));
  try {
    return openSync(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
