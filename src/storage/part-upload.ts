/** One object that is uploaded while it is made. */

import type { CompletedPart } from '@aws-sdk/client-s3';
import { asFailure, Failure } from '../contracts/failures.ts';
import type { PutOptions } from './object-store.ts';
import { Slots } from './slots.ts';
import type { Completion, Upload, Uploads } from './uploads.ts';

/** Parts of one object under way: one alone does not fill a long way to the store. */
const PARTS_AT_A_TIME = 3;
/** For what is not cancelled with the rest: the beginning, of which there would be no ID to abort it by, and the abort. */
const WITHIN_MS = 10_000;

export interface PartUploadOptions extends Omit<PutOptions, 'sha256'> {
  readonly signal: AbortSignal;
  /** Called as soon as there is something that would have to be aborted. */
  readonly onBegin?: (uploadId: string) => void;
}

/** The engine's `PartSink`. Begins with its first part; when it ends without having been completed, nothing of it is left. */
export class PartUpload implements AsyncDisposable {
  private readonly uploads: Uploads;
  private readonly key: string;
  private readonly options: PartUploadOptions;
  private readonly slots = new Slots(PARTS_AT_A_TIME);
  /** What is under way ends with the upload. */
  private readonly over = new AbortController();
  private readonly signal: AbortSignal;
  private readonly sent: Promise<CompletedPart>[] = [];
  private begun: Promise<Upload> | null = null;

  constructor(uploads: Uploads, key: string, options: PartUploadOptions) {
    this.uploads = uploads;
    this.key = key;
    this.options = options;
    this.signal = AbortSignal.any([options.signal, this.over.signal]);
  }

  /** What the object's metadata tells it by. */
  get mark(): string | undefined {
    return this.options.metadata?.['upload'];
  }

  async send(part: number, bytes: Uint8Array): Promise<void> {
    const sending = this.transfer(part, bytes);
    sending.catch(() => undefined);
    this.sent.push(sending);
    await sending;
  }

  /** Makes an object of all parts, when they are there. Failure of the first that could not be sent. */
  async complete(partCount: number): Promise<Completion> {
    if (this.begun === null || this.sent.length !== partCount) {
      throw new Failure('Internal', `An upload of ${this.sent.length} parts was to be completed with ${partCount}.`);
    }
    const [upload, parts] = await Promise.all([this.begun, Promise.all(this.sent)]);
    return await this.uploads.complete(upload, parts, this.signal);
  }

  /** Never throws: what cannot be aborted now is, by the next attempt or by the bucket's own rule. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.begun === null) return;
    this.over.abort(new Failure('Cancelled', 'The upload is over.'));
    // A part that arrives after the abort would be kept.
    await Promise.allSettled(this.sent);
    try {
      // Also when the server says that it is completed: servers have said so and kept the parts.
      await this.uploads.abort(await this.begun, AbortSignal.timeout(WITHIN_MS));
    } catch {
      // It was never begun, or the store is away.
    }
  }

  private async transfer(part: number, bytes: Uint8Array): Promise<CompletedPart> {
    try {
      using _ = await this.slots.take(this.signal);
      return await this.uploads.send(await this.begin(), part, bytes, this.signal);
    } catch (error) {
      throw this.signal.aborted ? asFailure(this.signal.reason, 'Cancelled') : asFailure(error);
    }
  }

  private begin(): Promise<Upload> {
    if (this.begun === null) {
      const { signal: _, onBegin, ...options } = this.options;
      this.begun = this.uploads.begin(this.key, options, AbortSignal.timeout(WITHIN_MS));
      this.begun.then(
        ({ uploadId }) => onBegin?.(uploadId),
        () => undefined,
      );
    }
    return this.begun;
  }
}
