/** Files that lie in a bucket: `s3://bucket/key` in the place of a path. */

import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../contracts/failures.ts';
import { createOwned, removeOwned, workRoot } from '../machine/owned-folders.ts';
import type { SourceRow, WarehouseReader } from './reader.ts';

/** Opens an object; null when there is none. */
export type OpenObject = (object: { readonly bucket: string; readonly key: string }) => Promise<Readable | null>;

const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.+)$/;

export const isInBucket = (path: string): boolean => path.startsWith('s3://');

/** The object's bytes as they come. Failure `WarehouseDenied` when it is not there, or cannot be asked for. */
export async function openS3File(address: string, open: OpenObject | undefined): Promise<Readable> {
  const [, bucket, key] = ADDRESS.exec(address) ?? [];
  if (bucket === undefined || key === undefined || /[*?]/.test(key)) {
    throw new Failure(
      'CampaignInvalid',
      `${address} is no object of a bucket; write s3://bucket/key, without patterns`,
    );
  }
  const stream = (await open?.({ bucket, key })) ?? null;
  if (stream === null) throw new Failure('WarehouseDenied', `there is no object ${address}`);
  return stream;
}

/**
 * A reader of a file that has to be local to be read (Parquet is read from its end): it is fetched into a temporary
 * folder before the first read, and removed with the reader.
 */
export function fetchedFirst(
  address: string,
  open: OpenObject | undefined,
  read: (path: string) => WarehouseReader,
): WarehouseReader {
  const about = read(address);
  let fetching: Promise<{ readonly folder: string; readonly reader: WarehouseReader }> | null = null;
  const fetched = async () => {
    fetching ??= fetchFile(address, open, read);
    return (await fetching).reader;
  };
  async function* rows(from: (reader: WarehouseReader) => AsyncIterable<SourceRow>) {
    yield* from(await fetched());
  }
  return {
    kind: about.kind,
    capabilities: about.capabilities,
    async probe() {
      (await openS3File(address, open)).destroy();
      return { columnsSeen: false };
    },
    readChanges: (range, signal) => rows((reader) => reader.readChanges(range, signal)),
    readRecipients: (ids, until, signal) => rows((reader) => reader.readRecipients(ids, until, signal)),
    readAll: (signal) => rows((reader) => reader.readAll(signal)),
    async [Symbol.asyncDispose]() {
      await about[Symbol.asyncDispose]();
      const made = await fetching?.catch(() => null);
      if (!made) return;
      await made.reader[Symbol.asyncDispose]();
      await removeOwned(made.folder);
    },
  };
}

async function fetchFile(address: string, open: OpenObject | undefined, read: (path: string) => WarehouseReader) {
  const folder = await createOwned(workRoot());
  try {
    const path = join(folder, basename(address));
    await pipeline(await openS3File(address, open), createWriteStream(path));
    return { folder, reader: read(path) };
  } catch (error) {
    await removeOwned(folder);
    throw error;
  }
}
