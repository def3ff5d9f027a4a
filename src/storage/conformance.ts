/** What an S3 server must do, and what it had better do, asked of it one by one in a folder that is gone afterwards. */

import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Encryption, encryptionFields } from './s3-client.ts';
import { codesOf, statusOf } from './storage-failure.ts';

export const CONFORMANCE_FOLDER = 'health/doctor/';
/** One question, and the cleaning up, which comes after an interruption too. */
const ANSWER_WITHIN_MS = 20_000;
const BODY = 'Nightreel asks what this store can do.';
const OTHER = 'Another body under the same key.';

export interface ConformanceTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly encryption: Encryption | null;
}

export interface Finding {
  /** What was asked; unique. */
  readonly name: string;
  readonly works: boolean;
  /** Whether Nightreel cannot do without. */
  readonly isNeeded: boolean;
  /** What the server did. */
  readonly found: string;
  /** What it means that it does not work; null when it does. */
  readonly consequence: string | null;
}

interface Question {
  readonly name: string;
  readonly isNeeded: boolean;
  readonly consequence: string;
  /** Returns what the server did; throws `Unmet` when that is wrong, or what the client throws. */
  readonly ask: (scratch: Scratch) => Promise<string>;
}

class Unmet extends Error {}

const NO_PARTS =
  'Videos above 10 MiB cannot go up in parts while they are made, and fail. Set NIGHTREEL_UPLOAD_DIRECT=off: then all are written whole.';

const QUESTIONS: readonly Question[] = [
  {
    name: 'put and get',
    isNeeded: true,
    consequence: 'Nothing can be stored.',
    async ask(scratch) {
      await scratch.put('whole');
      const text = await scratch.text('whole');
      return text === BODY ? 'the same bytes' : wrong('other bytes came back');
    },
  },
  {
    name: 'metadata',
    isNeeded: true,
    consequence: 'A video is described by its metadata: without it, it cannot be found again.',
    async ask(scratch) {
      await scratch.put('described', { Metadata: { 'render-ms': '7' }, ContentType: 'video/mp4' });
      const { Metadata, ContentType } = await scratch.head('described');
      if (Metadata?.['render-ms'] !== '7') return wrong('it is dropped');
      return ContentType === 'video/mp4' ? 'kept' : wrong(`the type became ${ContentType}`);
    },
  },
  {
    name: 'altered bytes',
    isNeeded: false,
    consequence: 'What is altered on the way is stored. Every video is stored with its size and SHA-256 to compare.',
    async ask(scratch) {
      const proof = scratch.onlyMd5 ? { ContentMD5: ZERO_MD5 } : { ChecksumSHA256: ZERO_SHA256 };
      return await refused(() => scratch.put('altered', proof), [400]);
    },
  },
  {
    name: 'put if-none-match: absent',
    isNeeded: true,
    consequence: 'Nothing can be stored once and for all.',
    async ask(scratch) {
      await scratch.put('once', { IfNoneMatch: '*' });
      return 'stored';
    },
  },
  {
    name: 'put if-none-match: there',
    isNeeded: true,
    consequence: 'A stored video could be overwritten: workers do not start on this store (StorageUnfit).',
    async ask(scratch) {
      await scratch.put('once');
      const said = await refused(() => scratch.put('once', { IfNoneMatch: '*', Body: OTHER }), [412]);
      return (await scratch.text('once')) === BODY ? said : wrong(`${said}, and overwritten`);
    },
  },
  {
    name: 'put if-match: fresh',
    isNeeded: true,
    consequence: 'Pointers cannot be changed: workers do not start on this store (StorageUnfit).',
    async ask(scratch) {
      const { ETag } = await scratch.put('swapped');
      await scratch.put('swapped', { IfMatch: ETag, Body: OTHER });
      return (await scratch.text('swapped')) === OTHER ? 'swapped' : wrong('answered 200 and changed nothing');
    },
  },
  {
    name: 'put if-match: stale',
    isNeeded: true,
    consequence: 'Pointers could go back to an older video: workers do not start on this store (StorageUnfit).',
    async ask(scratch) {
      const { ETag } = await scratch.put('stale');
      await scratch.put('stale', { Body: OTHER });
      return await refused(() => scratch.put('stale', { IfMatch: ETag }), [412]);
    },
  },
  {
    name: 'put if-match: absent',
    isNeeded: true,
    consequence: 'A pointer that was removed could come back.',
    async ask(scratch) {
      const { ETag } = await scratch.put('gone');
      await scratch.remove('gone');
      return await refused(() => scratch.put('gone', { IfMatch: ETag }), [404, 412]);
    },
  },
  {
    name: 'multipart',
    isNeeded: false,
    consequence: NO_PARTS,
    async ask(scratch) {
      await scratch.complete(await scratch.upload('parts'), {});
      return (await scratch.text('parts')) === BODY ? 'put together' : wrong('other bytes came back');
    },
  },
  {
    name: 'multipart if-none-match: there',
    isNeeded: false,
    consequence: NO_PARTS,
    async ask(scratch) {
      await scratch.put('parts-once', { Body: OTHER });
      const upload = await scratch.upload('parts-once');
      return await refused(() => scratch.complete(upload, { IfNoneMatch: '*' }), [412]);
    },
  },
  {
    name: 'multipart abort',
    isNeeded: false,
    consequence: NO_PARTS,
    async ask(scratch) {
      const upload = await scratch.upload('aborted');
      await scratch.abort(upload);
      const left = (await scratch.uploads()).some(({ UploadId }) => UploadId === upload.UploadId);
      return left ? wrong('it is still listed') : 'nothing is left of it';
    },
  },
  {
    name: 'range',
    isNeeded: true,
    consequence: 'Players cannot seek, and the phones of one maker do not play at all.',
    async ask(scratch) {
      await scratch.put('range');
      const text = await scratch.text('range', 'bytes=10-13');
      return text === BODY.slice(10, 14) ? 'four bytes of many' : wrong(`${text.length} bytes, not four`);
    },
  },
  {
    name: 'list',
    isNeeded: true,
    consequence: 'What has just been written is not seen: plans miss pages, and reports outcomes.',
    async ask(scratch) {
      await scratch.put('list/b');
      await scratch.put('list/a');
      const keys = (await scratch.list('list/')).map((key) => key.slice(-1)).join('');
      return keys === 'ab' ? 'at once, in order' : wrong(`found ${keys === '' ? 'nothing' : keys} of a and b`);
    },
  },
  {
    name: 'delete if-match: stale',
    isNeeded: false,
    consequence:
      'A pointer that is taken back could take one along that a newer batch writes in the same moment. `whenWithdrawn: neutral` deletes nothing.',
    async ask(scratch) {
      const { ETag } = await scratch.put('kept');
      await scratch.put('kept', { Body: OTHER });
      return await refused(() => scratch.remove('kept', ETag), [412]);
    },
  },
  {
    name: 'delete',
    isNeeded: true,
    consequence: 'People who leave cannot be taken out.',
    async ask(scratch) {
      await scratch.put('deleted');
      await scratch.remove('deleted');
      await scratch.remove('deleted');
      return await refused(() => scratch.head('deleted'), [404]).then(() => 'gone, and twice is no error');
    },
  },
];

/**
 * Asks everything, and cleans up after itself. Throws only when `signal` aborts, and then at the end of a question: a request that
 * is given up may still be done, behind the back of whoever cleans up.
 */
export async function examineConformance(target: ConformanceTarget, signal: AbortSignal): Promise<Finding[]> {
  const onlyMd5 = (await target.client.config.requestChecksumCalculation()) === 'WHEN_REQUIRED';
  const folder = `${CONFORMANCE_FOLDER}${randomUUID()}/`;
  const scratch = () => new Scratch(target, { folder, onlyMd5, abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  const findings: Finding[] = [];
  try {
    for (const question of QUESTIONS) {
      signal.throwIfAborted();
      findings.push(await answerOf(question, scratch()));
    }
  } finally {
    findings.push(await cleanUp(scratch()));
  }
  return findings;
}

async function answerOf({ ask, name, isNeeded, consequence }: Question, scratch: Scratch): Promise<Finding> {
  try {
    return { name, isNeeded, works: true, found: await ask(scratch), consequence: null };
  } catch (error) {
    const found = error instanceof Unmet ? error.message : answerIn(error);
    return { name, isNeeded, works: false, found, consequence };
  }
}

async function cleanUp(scratch: Scratch): Promise<Finding> {
  const finding = { name: 'cleaned up', isNeeded: false };
  try {
    const names = await scratch.list('');
    for (const name of names) await scratch.remove(name);
    // A server without uploads in parts has none to abort: the questions have said so.
    for (const upload of await scratch.uploads().catch(() => [])) await scratch.abort(upload);
    return { ...finding, works: true, found: `${names.length} objects`, consequence: null };
  } catch (error) {
    const consequence = `Delete what is left under ${scratch.folder}.`;
    return { ...finding, works: false, found: answerIn(error), consequence };
  }
}

interface Upload {
  readonly Key?: string | undefined;
  readonly UploadId?: string | undefined;
}

/** A folder of its own, and the requests that are made in it. */
class Scratch {
  readonly folder: string;
  readonly onlyMd5: boolean;
  private readonly target: ConformanceTarget;
  private readonly options: { readonly abortSignal: AbortSignal };

  constructor(
    target: ConformanceTarget,
    { folder, onlyMd5, abortSignal }: { folder: string; onlyMd5: boolean; abortSignal: AbortSignal },
  ) {
    this.target = target;
    this.folder = folder;
    this.onlyMd5 = onlyMd5;
    this.options = { abortSignal };
  }

  put(name: string, fields: Partial<PutObjectCommandInput> = {}) {
    const { client, encryption } = this.target;
    const command = new PutObjectCommand({ ...this.at(name), Body: BODY, ...encryptionFields(encryption), ...fields });
    return client.send(command, this.options);
  }

  async text(name: string, Range?: string): Promise<string> {
    const answer = await this.target.client.send(new GetObjectCommand({ ...this.at(name), Range }), this.options);
    return (await answer.Body?.transformToString()) ?? '';
  }

  head(name: string) {
    return this.target.client.send(new HeadObjectCommand(this.at(name)), this.options);
  }

  remove(name: string, IfMatch?: string) {
    return this.target.client.send(new DeleteObjectCommand({ ...this.at(name), IfMatch }), this.options);
  }

  /** Names of all objects below, as this folder names them. */
  async list(below: string): Promise<string[]> {
    const command = new ListObjectsV2Command({ Bucket: this.target.bucket, Prefix: `${this.folder}${below}` });
    const { Contents = [] } = await this.target.client.send(command, this.options);
    return Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(this.folder.length)]));
  }

  /** An upload with its only part, not completed. */
  async upload(name: string): Promise<Upload & { readonly part: { ETag?: string; PartNumber: number } }> {
    const { client, encryption } = this.target;
    const create = new CreateMultipartUploadCommand({ ...this.at(name), ...encryptionFields(encryption) });
    const { UploadId } = await client.send(create, this.options);
    const part = { ...this.at(name), UploadId, PartNumber: 1, Body: BODY };
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part), this.options);
    return {
      Key: part.Key,
      UploadId,
      part: { PartNumber: 1, ...(ETag && { ETag }), ...(ChecksumCRC32 && { ChecksumCRC32 }) },
    };
  }

  complete({ Key, UploadId, part }: Awaited<ReturnType<Scratch['upload']>>, condition: { IfNoneMatch?: string }) {
    const MultipartUpload = { Parts: [part] };
    const fields = { Bucket: this.target.bucket, Key, UploadId, MultipartUpload, ...condition };
    return this.target.client.send(new CompleteMultipartUploadCommand(fields), this.options);
  }

  abort({ Key, UploadId }: Upload) {
    const fields = { Bucket: this.target.bucket, Key, UploadId };
    return this.target.client.send(new AbortMultipartUploadCommand(fields), this.options);
  }

  async uploads(): Promise<Upload[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.target.bucket, Prefix: this.folder });
    return (await this.target.client.send(command, this.options)).Uploads ?? [];
  }

  private at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.target.bucket, Key: `${this.folder}${name}` };
  }
}

const ZERO_MD5 = Buffer.alloc(16).toString('base64');
const ZERO_SHA256 = Buffer.alloc(32).toString('base64');

function wrong(found: string): never {
  throw new Unmet(found);
}

/** What the server says no with, which must be one of these. */
async function refused(request: () => Promise<unknown>, statuses: readonly number[]): Promise<string> {
  const answer = await request().then(
    () => wrong('done all the same'),
    (error: unknown) => error,
  );
  if (!statuses.includes(statusOf(answer) ?? 0)) throw answer;
  return `refused with ${statusOf(answer)}`;
}

const answerIn = (error: unknown): string =>
  [statusOf(error) ?? 'no answer', codesOf(error)[0]].filter((part) => part !== undefined).join(' ');
