/**
 * The folder that a list is rendered into. A video is written into `.nightreel-work/` first and handed out from there to the rows that
 * share it; it goes from there when all of them have it and the manifest says so. So at no moment is there half a video under a
 * row's name, and whatever was rendered when a process was killed is found by the next one.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import { videoFileName } from './file-name.ts';
import { discard, notWritten } from './not-written.ts';
import { type ManifestLine, RowManifest } from './row-manifest.ts';

/** Not `.nightreel`, which is where a project's servers keep their data. */
const WORK = '.nightreel-work';
const PARTIAL = '.partial';
const VIDEO = '.mp4';
/** Rows that are named before the manifest is written: with a video for everybody, so much is done twice after a kill. */
const ROWS_AT_ONCE = 500;

/** What is said of a video in the manifest, and a file that holds it. */
export interface FinishedVideo extends Omit<ManifestLine, 'id' | 'file'> {
  readonly path: string;
  /** Of one that was found under a row's name. */
  readonly inode?: string;
  readonly key: VariantKey;
}

export class OutputFolder implements AsyncDisposable {
  readonly path: string;
  readonly #manifest: RowManifest;
  /** Keys of videos that an earlier run rendered and did not hand out to all. */
  readonly #waiting: Set<VariantKey>;

  private constructor(path: string, manifest: RowManifest, waiting: Set<VariantKey>) {
    this.path = path;
    this.#manifest = manifest;
    this.#waiting = waiting;
  }

  /** Makes the folder where there is none, and clears what a killed process left half-written. The caller holds its lock. */
  static async open(path: string): Promise<OutputFolder> {
    const work = join(path, WORK);
    try {
      await mkdir(work, { recursive: true });
      const waiting = new Set<VariantKey>();
      for (const name of await readdir(work)) {
        const key = name.slice(0, -VIDEO.length);
        if (name.endsWith(VIDEO) && isVariantKey(key)) waiting.add(key);
        else if (name.endsWith(PARTIAL)) await rm(join(work, name), { force: true });
      }
      for (const name of ['manifest.jsonl', 'rejects.jsonl'])
        await rm(join(path, `${name}${PARTIAL}`), { force: true });
      return new OutputFolder(path, await RowManifest.open(join(path, 'manifest.jsonl')), waiting);
    } catch (cause) {
      throw notWritten(path, cause);
    }
  }

  /**
   * What the manifest has of a row, if it is of this key and the file is there and whole.
   * @param other another row's video of the key, which was found whole: a second name of that file is not read again.
   */
  async find(id: string, key: VariantKey, other: FinishedVideo | null): Promise<FinishedVideo | null> {
    const line = await this.#manifest.get(id);
    if (line === null || line.key !== key || line.file !== videoFileName(id)) return null;
    const path = join(this.path, line.file);
    const entry = await stat(path).catch(() => null);
    if (entry === null || entry.size !== line.sizeBytes) return null;
    const inode = `${entry.dev}:${entry.ino}`;
    const digest = inode === other?.inode ? other.sha256 : await digestOf(path).catch(() => null);
    if (digest !== line.sha256) return null;
    const { sha256, sizeBytes, durationMs } = line;
    return { path, inode, key, sha256, sizeBytes, durationMs };
  }

  /** A video that was rendered and not handed out to all, by an earlier run. */
  async findWaiting(key: VariantKey, durationMs: number): Promise<FinishedVideo | null> {
    if (!this.#waiting.has(key)) return null;
    const path = this.#workPath(key);
    const { size: sizeBytes } = await stat(path);
    return { path, key, durationMs, sizeBytes, sha256: await digestOf(path) };
  }

  /** Puts a video on the disk, where it waits for being handed out. Failure `EnvironmentInvalid` when there is no room. */
  async keep(bytes: Uint8Array, video: Omit<FinishedVideo, 'path'>): Promise<FinishedVideo> {
    const path = this.#workPath(video.key);
    const partial = `${path}${PARTIAL}`;
    try {
      await using file = await open(partial, 'w');
      await file.writeFile(bytes);
      await file.sync();
      await rename(partial, path);
    } catch (cause) {
      await discard(partial);
      throw notWritten(path, cause);
    }
    this.#waiting.add(video.key);
    return { ...video, path };
  }

  /** Gives rows the video under their own names, then says so in the manifest. */
  async handOut(video: FinishedVideo, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const { path: first, key, sha256, sizeBytes, durationMs } = video;
    let source = first;
    for (let from = 0; from < ids.length; from += ROWS_AT_ONCE) {
      if (from > 0) signal.throwIfAborted();
      const lines: ManifestLine[] = [];
      for (const id of ids.slice(from, from + ROWS_AT_ONCE)) {
        const file = videoFileName(id);
        source = await this.#place(source, file);
        lines.push({ id, file, sha256, sizeBytes, durationMs, key });
      }
      await this.#syncNames();
      await this.#manifest.append(lines);
    }
  }

  /** Says that every row that shares a video has it. */
  async release(key: VariantKey): Promise<void> {
    if (this.#waiting.delete(key)) await rm(this.#workPath(key), { force: true });
  }

  /** After a whole list: what still waits is of no row. One line for each row is left in the manifest. */
  async tidy(): Promise<void> {
    for (const key of [...this.#waiting]) await this.release(key);
    await this.#manifest.compact();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#manifest[Symbol.asyncDispose]();
    // What waits for the next run stays.
    await rmdir(join(this.path, WORK)).catch(() => undefined);
  }

  #workPath(key: VariantKey): string {
    return join(this.path, WORK, `${key}${VIDEO}`);
  }

  /** Another name for a file or, where the disk has none to give, a copy. @returns what the next row is given. */
  async #place(source: string, file: string): Promise<string> {
    const target = join(this.path, file);
    const partial = join(this.path, WORK, `${file}${PARTIAL}`);
    try {
      const isCopied = await linkOrCopy(source, partial);
      await rename(partial, target);
      // Where both were names of one file already, rename(2) leaves both.
      await rm(partial, { force: true });
      return isCopied ? target : source;
    } catch (cause) {
      await discard(partial);
      throw notWritten(target, cause);
    }
  }

  /** The names are on the disk before the manifest says that they are there. */
  async #syncNames(): Promise<void> {
    await using folder = await open(this.path, 'r');
    // Some network disks do not know this of a folder; a name that is lost is found missing, and its video rendered again.
    await folder.sync().catch(() => undefined);
  }
}

/** link(2): no such thing on this disk, or the file has as many names as it may. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES', 'EXDEV']);

async function linkOrCopy(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return false;
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await copyFile(source, target);
  await using file = await open(target, 'r+');
  await file.sync();
  return true;
}

export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
