import { createHash } from 'node:crypto';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { asFailure, Failure } from '../contracts/failures.ts';
import { createS3Client, type Encryption, encryptionFields } from './s3-client.ts';
import { Slots } from './slots.ts';
import { codesOf, statusOf, storageFailure } from './storage-failure.ts';
import { Uploads } from './uploads.ts';

/** Cache-Control of what never changes and names nobody. */
export const IMMUTABLE = 'public,max-age=31536000,immutable';

/** Operations under way in a process: a night may want thousands of pointers written at once. */
const OPERATIONS = 128;
/** S3 answers 409 when two conditional writes of one key overlap; the loser is asked to try again. */
const OVERLAP_ATTEMPTS = 6;

export interface ObjectStoreOptions {
  /** Region, endpoint, credentials: what the AWS SDK takes. A custom endpoint gets path-style addresses. */
  readonly clientConfig: S3ClientConfig;
  readonly bucket: string;
  /** Where the bucket can be read over HTTP (a CDN, or the endpoint itself), without a slash at the end. */
  readonly publicBaseUrl?: string | null;
  /** Where staff can read what a CDN does not serve, reports above all; null: where everybody reads. */
  readonly reportBaseUrl?: string | null;
  readonly encryption?: Encryption | null;
  /** A connection on which nothing moves for so long is given up with StorageUnavailable; 30 s by default. */
  readonly idleTimeoutMs?: number;
}

export interface ObjectHead {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly cacheControl: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Hex: what the server itself found when the object was written; null where it does not say. */
  readonly sha256: string | null;
}

export interface StoredObject extends ObjectHead {
  readonly body: Buffer;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  /** When it was last written, milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface PutOptions {
  readonly contentType: string;
  /** ASCII values, 2 KB in all. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Absent: the object has none. Most objects name people, and no cache may be told to keep those. */
  readonly cacheControl?: string;
  /** Of the body, hex: a server that knows SHA-256 refuses other bytes and keeps it. Absent: the SDK sends a CRC-32. */
  readonly sha256?: string;
}

export type Body = Buffer | Uint8Array | string;

/**
 * One bucket. So many operations at a time; the others wait, and no limit of time runs meanwhile. Every method throws `Failure` (StorageDenied, StorageUnavailable, Cancelled), after the SDK's own retries.
 * An absent key is an answer, not an error.
 */
export class ObjectStore implements Disposable {
  readonly bucket: string;
  private readonly client: S3Client;
  private readonly slots = new Slots(OPERATIONS);
  /** Objects that come in parts. */
  readonly uploads: Uploads;
  /** The endpoint in words, for messages. */
  readonly endpoint: string;
  private readonly publicBaseUrl: string | null;
  private readonly reportBaseUrl: string | null;
  private readonly encryption: Encryption | null;
  /** For servers that know neither of S3's newer checksums: the MD5 that all of them have always known. */
  private readonly onlyMd5: () => Promise<boolean>;

  constructor(options: ObjectStoreOptions) {
    const {
      clientConfig,
      bucket,
      publicBaseUrl = null,
      reportBaseUrl = null,
      encryption = null,
      idleTimeoutMs,
    } = options;
    this.bucket = bucket;
    this.publicBaseUrl = publicBaseUrl === null ? null : publicBaseUrl.replace(/\/+$/, '');
    this.reportBaseUrl = reportBaseUrl === null ? this.publicBaseUrl : reportBaseUrl.replace(/\/+$/, '');
    this.encryption = encryption;
    this.endpoint = describeEndpoint(clientConfig);
    this.client = createS3Client(clientConfig, idleTimeoutMs);
    this.uploads = new Uploads({
      ...{ client: this.client, bucket, encryption },
      request: this.request.bind(this),
      proofOf: (body) => this.proofOf(body),
    });
    this.onlyMd5 = async () => (await this.client.config.requestChecksumCalculation()) === 'WHEN_REQUIRED';
  }

  /** What a HEAD says; null when the key is absent. */
  async head(key: string, signal?: AbortSignal): Promise<ObjectHead | null> {
    return await this.request('HeadObject', key, signal, async () => {
      try {
        const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key, ChecksumMode: 'ENABLED' });
        return headOf(await this.client.send(command, { abortSignal: signal }));
      } catch (error) {
        return absentOrThrow(error);
      }
    });
  }

  /** The whole object; null when the key is absent. */
  async get(key: string, signal?: AbortSignal): Promise<StoredObject | null> {
    return await this.request('GetObject', key, signal, () => this.readWhole(key, signal));
  }

  async getText(key: string, signal?: AbortSignal): Promise<string | null> {
    return (await this.get(key, signal))?.body.toString('utf8') ?? null;
  }

  /** The bytes as they come; null when the key is absent. The stream's errors are `Failure`s too. */
  async getStream(key: string, signal?: AbortSignal): Promise<Readable | null> {
    return await this.request('GetObject', key, signal, async () => {
      const answer = await this.open(key, signal);
      if (answer?.Body === undefined) return null;
      const told = new PassThrough({
        destroy: (error, done) => done(error && this.failure(error, 'GetObject', key, signal)),
      });
      return pipeline(answer.Body as Readable, told, () => {
        // Each of the two has ended the other; what went wrong, the reader learns from `told`.
      });
    });
  }

  /** Writes a key that never changes afterwards. One that is there already is left alone: that is a success too. */
  async putImmutable(key: string, body: Body, options: PutOptions, signal?: AbortSignal): Promise<'stored' | 'exists'> {
    const done = await this.write(key, body, options, { IfNoneMatch: '*' }, signal);
    return done ? 'stored' : 'exists';
  }

  /** Replaces the object that had `previousEtag` (null: creates one); `conflict` when it is no longer that one. */
  async compareAndSwap(
    key: string,
    previousEtag: string | null,
    body: Body,
    options: PutOptions,
    signal?: AbortSignal,
  ): Promise<'stored' | 'conflict'> {
    const condition = previousEtag === null ? { IfNoneMatch: '*' } : { IfMatch: previousEtag };
    return (await this.write(key, body, options, condition, signal)) ? 'stored' : 'conflict';
  }

  /** Plain overwrite: for what the last writer may decide, such as reports. */
  async put(key: string, body: Body, options: PutOptions, signal?: AbortSignal): Promise<void> {
    await this.write(key, body, options, {}, signal);
  }

  /** Removes an object; one that is not there is removed already. */
  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.request('DeleteObject', key, signal, async () => {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal: signal });
    });
  }

  /**
   * Removes the object that has `etag`; `conflict` when it is no longer that one, or is not there. A server that does not know
   * conditional deletes removes what is there.
   */
  async compareAndRemove(key: string, etag: string, signal?: AbortSignal): Promise<'removed' | 'conflict'> {
    const command = new DeleteObjectCommand({ Bucket: this.bucket, Key: key, IfMatch: etag });
    return await this.request('DeleteObject', key, signal, async () => {
      try {
        await this.client.send(command, { abortSignal: signal });
        return 'removed';
      } catch (error) {
        if ([409, 412].includes(statusOf(error) ?? 0) || isAbsent(error)) return 'conflict';
        throw error;
      }
    });
  }

  /** Everything under a prefix, in key order, page by page. */
  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ListedObject> {
    const pages = paginateListObjectsV2(
      { client: this.client },
      { Bucket: this.bucket, Prefix: prefix },
      { abortSignal: signal },
    );
    while (true) {
      const page = await this.request('ListObjectsV2', prefix, signal, () => pages.next());
      if (page.done) return;
      for (const { Key, Size, ETag, LastModified } of page.value.Contents ?? []) {
        // A store that gives no time gets now: nothing is old by mistake.
        const modifiedMs = LastModified?.getTime() ?? Date.now();
        if (Key !== undefined) yield { key: Key, sizeBytes: Size ?? 0, etag: ETag ?? '', modifiedMs };
      }
    }
  }

  /** Names of the folders directly under a prefix, which ends in a slash; in order. What lies in them is not listed. */
  async folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    const pages = paginateListObjectsV2(
      { client: this.client },
      { Bucket: this.bucket, Prefix: prefix, Delimiter: '/' },
      { abortSignal: signal },
    );
    const names: string[] = [];
    while (true) {
      const page = await this.request('ListObjectsV2', prefix, signal, () => pages.next());
      if (page.done) return names;
      for (const { Prefix = '' } of page.value.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1));
    }
  }

  /**
   * A link that stays valid: public where the bucket is read over HTTP, `s3://bucket/key` otherwise.
   * @param publicUrl where this key is read over HTTP, when that is elsewhere; without a slash at the end.
   */
  url(key: string, publicUrl: string | null = this.publicBaseUrl): string {
    if (publicUrl === null) return `s3://${this.bucket}/${key}`;
    return `${publicUrl}/${key.split('/').map(encodeURIComponent).join('/')}`;
  }

  /** The same for staff: to a report, or to what a failure left. */
  reportUrl(key: string): string {
    return this.url(key, this.reportBaseUrl);
  }

  /** Where a key lies, in words. */
  describe(key: string): string {
    return this.publicBaseUrl === null
      ? `s3://${this.bucket}/${key} at ${this.endpoint}`
      : `s3://${this.bucket}/${key}`;
  }

  /** Throws one clear sentence when the endpoint, the credentials or the bucket are wrong. */
  async checkBucket(signal?: AbortSignal): Promise<void> {
    // Not HeadBucket: a HEAD has no body, so it cannot say whether the key, the secret or the bucket is wrong.
    const command = new ListObjectsV2Command({ Bucket: this.bucket, MaxKeys: 1 });
    await this.request('ListObjectsV2', undefined, signal, () => this.client.send(command, { abortSignal: signal }));
  }

  /** Whether the bucket keeps what is overwritten and removed; null where that may not be asked, or is not known there. */
  async keepsVersions(signal?: AbortSignal): Promise<boolean | null> {
    const command = new GetBucketVersioningCommand({ Bucket: this.bucket });
    try {
      const { Status } = await this.request('GetBucketVersioning', undefined, signal, () =>
        this.client.send(command, { abortSignal: signal }),
      );
      // Suspended: what it kept until then is still there.
      return Status !== undefined;
    } catch (error) {
      const { failureClass } = asFailure(error);
      if (failureClass === 'StorageDenied' || failureClass === 'Internal') return null;
      throw error;
    }
  }

  close(): void {
    this.client.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async readWhole(key: string, signal?: AbortSignal): Promise<StoredObject | null> {
    const answer = await this.open(key, signal);
    if (answer?.Body === undefined) return null;
    return { ...headOf(answer), body: Buffer.from(await answer.Body.transformToByteArray()) };
  }

  private async open(key: string, signal?: AbortSignal) {
    try {
      return await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal: signal });
    } catch (error) {
      return absentOrThrow(error);
    }
  }

  /** False when the condition did not hold. */
  private async write(
    key: string,
    body: Body,
    options: PutOptions,
    condition: { readonly IfMatch?: string; readonly IfNoneMatch?: string },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const command = new PutObjectCommand({
      ...(await this.proofOf(body, options)),
      Bucket: this.bucket,
      Key: key,
      Body: body,
      // Left to itself, the SDK takes an empty body for a stream without end.
      ContentLength: Buffer.byteLength(body),
      ContentType: options.contentType,
      CacheControl: options.cacheControl,
      Metadata: options.metadata,
      ...encryptionFields(this.encryption),
      ...condition,
    });
    return await this.request('PutObject', key, signal, async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.client.send(command, { abortSignal: signal });
          return true;
        } catch (error) {
          const status = statusOf(error);
          if (status === 412) return await this.wasOwnWrite(key, body, error, signal);
          // S3 answers 404 to If-Match on a key that has been deleted since it was read.
          if (condition.IfMatch !== undefined && codesOf(error).includes('NoSuchKey')) return false;
          if (status !== 409 || attempt === OVERLAP_ATTEMPTS) throw error;
          await sleep(Math.random() * 25 * 2 ** attempt, undefined, { signal });
        }
      }
    });
  }

  /** What lets the server refuse bytes that were altered on the way. */
  private async proofOf(
    body: Body,
    { sha256 }: Pick<PutOptions, 'sha256'> = {},
  ): Promise<{ ContentMD5?: string; ChecksumSHA256?: string }> {
    if (await this.onlyMd5()) return { ContentMD5: createHash('md5').update(body).digest('base64') };
    return sha256 === undefined ? {} : { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') };
  }

  /** A retry of a write whose answer was lost meets its own object: that is a success, not somebody else's. */
  private async wasOwnWrite(key: string, body: Body, error: unknown, signal?: AbortSignal): Promise<boolean> {
    if (!wasRetried(error)) return false;
    const now = await this.readWhole(key, signal);
    return now?.body.equals(typeof body === 'string' ? Buffer.from(body) : body) ?? false;
  }

  private async request<T>(
    operation: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    try {
      using _ = await this.slots.take(signal);
      return await body();
    } catch (error) {
      throw this.failure(error, operation, key, signal);
    }
  }

  private failure(
    error: unknown,
    operation: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Failure {
    return storageFailure(error, { operation, key, bucket: this.bucket, endpoint: this.endpoint }, signal);
  }
}

function headOf(answer: {
  readonly ETag?: string;
  readonly ContentLength?: number;
  readonly ContentType?: string;
  readonly CacheControl?: string;
  readonly Metadata?: Record<string, string>;
  readonly ChecksumSHA256?: string;
}): ObjectHead {
  if (answer.ETag === undefined)
    throw new Failure('Internal', 'The object store answered without an ETag: it is not S3.');
  return {
    etag: answer.ETag,
    sizeBytes: answer.ContentLength ?? 0,
    contentType: answer.ContentType ?? 'application/octet-stream',
    cacheControl: answer.CacheControl ?? null,
    metadata: answer.Metadata ?? {},
    sha256: wholeSha256(answer.ChecksumSHA256),
  };
}

/** An object that came in parts has a checksum of its parts' checksums, which ends in their number and says nothing of the whole. */
const wholeSha256 = (base64: string | undefined): string | null =>
  base64 === undefined || base64.includes('-') ? null : Buffer.from(base64, 'base64').toString('hex');

/** Of the key: a bucket that is not there is another matter. */
const isAbsent = (error: unknown): boolean => statusOf(error) === 404 && !codesOf(error).includes('NoSuchBucket');

function absentOrThrow(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}

function wasRetried(error: unknown): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly attempts?: number } };
  return ($metadata?.attempts ?? 1) > 1;
}

/** In words. */
export const describeEndpoint = ({ endpoint, region }: S3ClientConfig): string => {
  if (typeof endpoint === 'string') return endpoint;
  if (typeof endpoint === 'object' && 'hostname' in endpoint)
    return `${endpoint.protocol}//${endpoint.hostname}${endpoint.port ? `:${endpoint.port}` : ''}`;
  return typeof region === 'string' ? `Amazon S3 (${region})` : 'Amazon S3';
};
