/** Objects that come in parts: S3's multipart uploads of one bucket. */

import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { PutOptions } from './object-store.ts';
import { type Encryption, encryptionFields } from './s3-client.ts';
import { codesOf, statusOf } from './storage-failure.ts';

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

export interface OpenUpload extends Upload {
  /** When it was begun, milliseconds since 1970. */
  readonly begunMs: number;
}

/** `conflict`: another write of the key was under way, and S3 wants the whole upload anew. `gone`: somebody has aborted it, or has completed it. */
export type Completion = 'stored' | 'exists' | 'conflict' | 'gone';

/** How an `ObjectStore` makes requests. */
export interface UploadRequests {
  readonly client: S3Client;
  readonly bucket: string;
  readonly encryption: Encryption | null;
  /** Waits its turn, and throws what goes wrong as `Failure`. */
  readonly request: <T>(
    operation: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
    body: () => Promise<T>,
  ) => Promise<T>;
  /** What lets the server refuse bytes that were altered on the way. */
  readonly proofOf: (body: Uint8Array) => Promise<{ readonly ContentMD5?: string }>;
}

/** Every method throws `Failure` as those of `ObjectStore` do. */
export class Uploads {
  private readonly via: UploadRequests;

  constructor(via: UploadRequests) {
    this.via = via;
  }

  async begin(key: string, options: Omit<PutOptions, 'sha256'>, signal?: AbortSignal): Promise<Upload> {
    const { client, bucket, encryption, request } = this.via;
    const command = new CreateMultipartUploadCommand({
      ...{ Bucket: bucket, Key: key, ContentType: options.contentType },
      ...{ CacheControl: options.cacheControl, Metadata: options.metadata },
      ...encryptionFields(encryption),
    });
    return await request('CreateMultipartUpload', key, signal, async () => {
      const { UploadId } = await client.send(command, { abortSignal: signal });
      if (UploadId === undefined) throw new Error('an upload without an ID');
      return { key, uploadId: UploadId };
    });
  }

  /** `part`: its number, from 1. */
  async send({ key, uploadId }: Upload, part: number, bytes: Uint8Array, signal?: AbortSignal): Promise<CompletedPart> {
    const { client, bucket, request, proofOf } = this.via;
    const place = { Bucket: bucket, Key: key, UploadId: uploadId, PartNumber: part };
    const command = new UploadPartCommand({
      ...{ ...place, Body: bytes, ContentLength: bytes.byteLength },
      ...(await proofOf(bytes)),
    });
    return await request('UploadPart', key, signal, async () => {
      const { ETag, ChecksumCRC32 } = await client.send(command, { abortSignal: signal });
      return { PartNumber: part, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) };
    });
  }

  /** Makes an object of the parts, unless the key has one. */
  async complete(
    { key, uploadId }: Upload,
    parts: readonly CompletedPart[],
    signal?: AbortSignal,
  ): Promise<Completion> {
    const { client, bucket, request } = this.via;
    const Parts = parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    const command = new CompleteMultipartUploadCommand({
      ...{ Bucket: bucket, Key: key, UploadId: uploadId, IfNoneMatch: '*' },
      MultipartUpload: { Parts },
    });
    return await request('CompleteMultipartUpload', key, signal, async () => {
      try {
        await client.send(command, { abortSignal: signal });
        return 'stored';
      } catch (error) {
        const status = statusOf(error);
        if (status === 412) return 'exists';
        if (status === 409) return 'conflict';
        if (codesOf(error).includes('NoSuchUpload')) return 'gone';
        throw error;
      }
    });
  }

  /** Nothing is left of it; one that is over already is no error. */
  async abort({ key, uploadId }: Upload, signal?: AbortSignal): Promise<void> {
    const { client, bucket, request } = this.via;
    const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
    await request('AbortMultipartUpload', key, signal, async () => {
      try {
        await client.send(command, { abortSignal: signal });
      } catch (error) {
        if (statusOf(error) !== 404 || codesOf(error).includes('NoSuchBucket')) throw error;
      }
    });
  }

  /** Uploads of this very key that were begun and neither completed nor aborted. */
  async openOf(key: string, signal?: AbortSignal): Promise<OpenUpload[]> {
    const { client, bucket, request } = this.via;
    return await request('ListMultipartUploads', key, signal, async () => {
      const open: OpenUpload[] = [];
      let from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | null = {};
      while (from !== null) {
        const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
          Bucket: bucket,
          Prefix: key,
          ...from,
        });
        const {
          Uploads = [],
          IsTruncated,
          NextKeyMarker,
          NextUploadIdMarker,
        } = await client.send(command, { abortSignal: signal });
        from = IsTruncated ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : null;
        for (const { Key, UploadId, Initiated } of Uploads) {
          if (Key === key && UploadId !== undefined)
            open.push({ key, uploadId: UploadId, begunMs: Initiated?.getTime() ?? 0 });
        }
      }
      return open;
    });
  }
}
