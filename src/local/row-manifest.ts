/**
 * manifest.jsonl: a line for every row whose video is there. It is only added to, and the last line of an ID counts, so a process
 * that is killed loses at most the line that it was writing. What is kept in memory is each ID and where its line stands.
 */

import { type FileHandle, open, rename } from 'node:fs/promises';
import { z } from 'zod';
import { doubled } from '../planning/doubled.ts';
import { TextIndex } from '../planning/text-index.ts';
import { discard, notWritten } from './not-written.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestLineSchema = z.object({
  id: z.string().min(1),
  /** Beside the manifest. */
  file: z.string().min(1),
  sha256: hex64,
  sizeBytes: z.int().positive(),
  durationMs: z.int().positive(),
  /** Variant key of the video: engine, template, params and rendition. */
  key: hex64,
});

export type ManifestLine = Readonly<z.infer<typeof manifestLineSchema>>;

const NEWLINE = 0x0a;
const READ_BYTES = 256 * 1024;

export class RowManifest implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #ids = new TextIndex('utf8');
  /** By the ID's number. */
  #starts = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  /** Bytes that are whole lines. */
  #size = 0;
  /** Lines that count no more, or never did. */
  #superseded = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Reads what is there, and cuts off a last line that was not written to its end. Failure `EnvironmentInvalid` when it cannot be used. */
  static async open(path: string): Promise<RowManifest> {
    try {
      const manifest = new RowManifest(path, await open(path, 'a+'));
      try {
        await manifest.#read();
        await manifest.#file.truncate(manifest.#size);
      } catch (error) {
        await manifest.#file.close();
        throw error;
      }
      return manifest;
    } catch (cause) {
      throw notWritten(path, cause);
    }
  }

  /** Rows that it has a line of. */
  get size(): number {
    return this.#ids.size;
  }

  /** The line of a row, or null. */
  async get(id: string): Promise<ManifestLine | null> {
    const number = this.#ids.get(id);
    if (number === undefined) return null;
    const bytes = Buffer.allocUnsafe(this.#lengths[number] ?? 0);
    await this.#file.read(bytes, 0, bytes.length, this.#starts[number] ?? 0);
    return parseLine(bytes);
  }

  /** Adds lines, all of them or none, and returns once they are on the disk. Failure `EnvironmentInvalid` when there is no room. */
  async append(lines: readonly ManifestLine[]): Promise<void> {
    const turn = this.#writing.then(() => this.#append(lines));
    this.#writing = turn.catch(() => undefined);
    await turn;
  }

  /** Leaves one line for each row, where there are others. */
  async compact(): Promise<void> {
    if (this.#superseded === 0) return;
    const partial = `${this.#path}.partial`;
    try {
      await using copy = await open(partial, 'w');
      let kept: Buffer[] = [];
      for await (const { bytes, start } of this.#lines()) {
        const line = parseLine(bytes);
        const number = line === null ? undefined : this.#ids.get(line.id);
        if (number === undefined || this.#starts[number] !== start) continue;
        kept.push(bytes, Buffer.of(NEWLINE));
        if (kept.length < 1000) continue;
        await copy.appendFile(Buffer.concat(kept));
        kept = [];
      }
      await copy.appendFile(Buffer.concat(kept));
      await copy.sync();
      await rename(partial, this.#path);
    } catch (cause) {
      await discard(partial);
      throw notWritten(this.#path, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #append(lines: readonly ManifestLine[]): Promise<void> {
    const texts = lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
    try {
      await this.#file.appendFile(Buffer.concat(texts));
      await this.#file.datasync();
    } catch (cause) {
      // Half a line at the end would spoil the next one.
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw notWritten(this.#path, cause);
    }
    for (const [at, { id }] of lines.entries()) {
      const length = texts[at]?.length ?? 0;
      this.#place(id, this.#size, length - 1);
      this.#size += length;
    }
  }

  async #read(): Promise<void> {
    for await (const { bytes, start } of this.#lines()) {
      const line = parseLine(bytes);
      if (line === null) this.#superseded += 1;
      else this.#place(line.id, start, bytes.length);
      this.#size = start + bytes.length + 1;
    }
  }

  #place(id: string, start: number, length: number): void {
    const known = this.#ids.size;
    const number = this.#ids.add(id);
    if (number < known) this.#superseded += 1;
    if (number === this.#starts.length) {
      this.#starts = doubled(this.#starts);
      this.#lengths = doubled(this.#lengths);
    }
    this.#starts[number] = start;
    this.#lengths[number] = length;
  }

  /** Whole lines, without their ends, and where each starts. */
  async *#lines(): AsyncGenerator<{ readonly bytes: Buffer; readonly start: number }, void, undefined> {
    let rest = Buffer.alloc(0);
    let at = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await this.#file.read(chunk, 0, READ_BYTES, at + rest.length);
      if (bytesRead === 0) return;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        yield { bytes: bytes.subarray(from, end), start: at + from };
        from = end + 1;
      }
      rest = bytes.subarray(from);
      at += from;
    }
  }
}

/** Null for what is no line of a manifest: somebody else's hand, or a disk that failed. */
function parseLine(bytes: Buffer): ManifestLine | null {
  try {
    return manifestLineSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    // JSON says no by throwing.
    return null;
  }
}
