/** The videos of a list, several at a time: what is there already is left alone, what fails is set aside. */

import { asFailure, describeFailure, Failure, type FailureClass } from '../contracts/failures.ts';
import type { Params, RenditionId } from '../contracts/video.ts';
import type { PlannedVariant, SizedIterable } from '../planning/planned-variants.ts';
import { variantKeyOf } from '../planning/variant-key.ts';
import type { RenderedVideo } from '../rendering/renderer.ts';
import type { Template } from '../templates/template.ts';
import type { FinishedVideo, OutputFolder } from './output-folder.ts';

type Rendered = Pick<RenderedVideo, 'bytes' | 'sha256' | 'sizeBytes' | 'durationMs'>;

export interface ListRender {
  readonly variants: SizedIterable<PlannedVariant>;
  readonly template: Template;
  readonly rendition: RenditionId;
  readonly engineDigest: string;
  readonly folder: OutputFolder;
  readonly render: (params: Params, signal: AbortSignal) => Promise<Rendered>;
  /** Videos that are looked for, rendered or written at the same time. */
  readonly concurrency: number;
  /** Told of every video that is settled. */
  readonly onSettled: (settled: SettledVideo) => Promise<void>;
}

/** A distinct video, and what became of the rows that share it. */
export interface SettledVideo {
  /** `there`: every row had it; `given`: it was on the disk, and rows were given it; `failed`: none of `ids` has it. */
  readonly outcome: 'there' | 'given' | 'rendered' | 'failed';
  /** Rows that had it, rows that were given it; of a failed one, those that lack it. */
  readonly counts: { readonly there: number; readonly given: number; readonly failed: number };
  readonly failure?: Failure;
  /** Of a failed one. */
  readonly ids?: readonly string[];
}

/** What stops the whole list: the next video would meet the same. */
const EVERYBODYS: readonly FailureClass[] = ['Cancelled', 'WorkerLost', 'ToolMissing', 'EnvironmentInvalid'];
/** Of what passes by itself: a browser that died, an encoder that ended. */
const ATTEMPTS = 3;

/** Throws what stops the whole list, once what was under way has ended; `Cancelled` on abort. */
export async function renderList(list: ListRender, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const videos = list.variants[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    try {
      for (let next = videos.next(); next.done !== true && !either.aborted; next = videos.next()) {
        await list.onSettled(await settle(list, next.value, either));
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: list.concurrency }, lane));
  signal.throwIfAborted();
  // Of several the first to fail: the others were stopped by it.
  stop.signal.throwIfAborted();
  if (lanes.some(({ status }) => status === 'rejected')) throw new Failure('Internal', 'A lane failed without a word.');
}

async function settle(list: ListRender, variant: PlannedVariant, signal: AbortSignal): Promise<SettledVideo> {
  const { template, rendition, engineDigest, folder } = list;
  const { params, recipients } = variant;
  const key = variantKeyOf({ engineDigest, templateDigest: template.digest, params, rendition });
  const lacking: string[] = [];
  let found: FinishedVideo | null = null;
  for (const id of recipients) {
    signal.throwIfAborted();
    const own = await folder.find(id, key, found);
    if (own === null) lacking.push(id);
    else found = own;
  }
  const there = recipients.size - lacking.length;
  if (lacking.length === 0) {
    await folder.release(key);
    return { outcome: 'there', counts: { there, given: 0, failed: 0 } };
  }
  const kept = found ?? (await folder.findWaiting(key, template.durationMs));
  let video = kept;
  if (video === null) {
    try {
      const { bytes, sha256, sizeBytes, durationMs } = await patiently(list, params, signal);
      video = await folder.keep(bytes, { key, sha256, sizeBytes, durationMs });
    } catch (error) {
      const failure = asFailure(error);
      if (EVERYBODYS.includes(failure.failureClass)) throw failure;
      return { outcome: 'failed', counts: { there, given: 0, failed: lacking.length }, failure, ids: lacking };
    }
  }
  await folder.handOut(video, lacking, signal);
  await folder.release(key);
  const counts = { there, given: lacking.length, failed: 0 };
  return { outcome: kept === null ? 'rendered' : 'given', counts };
}

async function patiently({ render }: ListRender, params: Params, signal: AbortSignal): Promise<Rendered> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await render(params, signal);
    } catch (error) {
      const { failureClass } = asFailure(error);
      if (attempt >= ATTEMPTS || EVERYBODYS.includes(failureClass) || !describeFailure(failureClass).retryable)
        throw error;
    }
  }
}
