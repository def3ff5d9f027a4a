/** Writes down each failed attempt at a video or a scene: into the worker's log, and into the batch's folder. */

import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, Context } from '@temporalio/activity';
import type { EngineFingerprint } from '../contracts/batch.ts';
import { asFailure, describeFailure, Failure, type FailureClass, RETRY } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf } from '../contracts/ids.ts';
import { PageError } from '../rendering/browser/page-error.ts';
import { FAILED_ATTEMPT, type FailedStage, type FailureLine, reproduceCommand } from '../reporting/why/failure-line.ts';
import { attemptName, failuresOf, putFailureLine, type Subject } from '../reporting/why/failure-lines.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { activeTraceId } from '../telemetry/tracing.ts';
import { Attempt } from './attempt.ts';
import { harmlessWords } from './harmless.ts';
import { THIS_WORKER } from './this-worker.ts';

/** What a store that does not answer holds a retry up by, at most. */
const STORE_LIMIT_MS = 3_000;
/** A template that fails for everybody shows the same a thousand times. */
const SCREENSHOTS_PER_BATCH = 200;
const STORE_FAILED: ReadonlySet<FailureClass> = new Set(['StorageDenied', 'StorageUnfit', 'StorageUnavailable']);

export interface FailedAttemptsDeps {
  readonly store: ObjectStore;
  readonly log: Logger;
}

/** The line of the manifest, or of a page of scenes, that is worked on. */
export type AttemptAt = Subject & { readonly page: number; readonly index: number };

export class FailedAttempts {
  private readonly store: ObjectStore;
  private readonly log: Logger;
  private readonly screenshots = new Map<string, number>();

  constructor({ store, log }: FailedAttemptsDeps) {
    this.store = store;
    this.log = log;
  }

  /**
   * Runs one attempt. Its failure is written down and thrown on as it was; whatever goes wrong with the writing changes nothing.
   * @param engine this worker's own; null where it does not render.
   */
  async watch<T>(
    at: AttemptAt,
    engine: EngineFingerprint | null,
    signal: AbortSignal,
    body: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const attempt = new Attempt();
    try {
      return await body(attempt);
    } catch (error) {
      attempt.error ??= error;
      const failure = signal.aborted ? cutOff() : told(error, attempt);
      if (failure !== null) await this.write(at, engine, attempt, failure);
      throw error;
    }
  }

  private async write(
    at: AttemptAt,
    engine: EngineFingerprint | null,
    attempt: Attempt,
    failure: Failure,
  ): Promise<void> {
    try {
      const { workflowExecution, currentAttemptScheduledTimestampMs: scheduledMs, ...info } = activityInfo();
      const runId = workflowExecution?.runId ?? '';
      const activity = info.activityType as FailureLine['activity'];
      const name = `${failuresOf(at)}${attemptName({ scheduledMs, activity, attempt: info.attempt, runId })}`;
      const picture = attempt.evidence?.screenshot ?? null;
      const shown = picture !== null && this.mayShow(at.batch) ? picture : null;
      const line: FailureLine = {
        ...lineOf(at, attempt, failure),
        ...{ at: new Date().toISOString(), activity, attempt: info.attempt },
        willRetry: willRetry(failure.failureClass, info.attempt),
        ...{ workflowId: workflowExecution?.workflowId ?? '', runId },
        worker: THIS_WORKER,
        engine: engine && engineOf(engine),
        screenshot: shown === null ? null : `${name}.jpg`,
        traceId: attempt.traceId ?? activeTraceId(),
      };
      this.log.warn(line, `attempt ${line.attempt} at ${at.kind} ${at.key.slice(0, 12)} failed`);
      const limit = AbortSignal.timeout(STORE_LIMIT_MS);
      const type = { contentType: 'image/jpeg' };
      await inTime(
        Promise.all([
          shown && this.store.putImmutable(`${name}.jpg`, shown.jpeg, type, limit),
          putFailureLine(this.store, `${name}.json`, line, limit),
        ]),
      );
    } catch (error) {
      this.log.warn({ reason: asFailure(error).message }, 'a failed attempt was not written into its batch');
    }
  }

  private mayShow(batch: BatchRef): boolean {
    const id = batchIdOf(batch);
    const taken = (this.screenshots.get(id) ?? 0) + 1;
    this.screenshots.set(id, taken);
    return taken <= SCREENSHOTS_PER_BATCH;
  }
}

/** All of the line that the attempt itself tells. */
function lineOf(at: AttemptAt, { plan, template, params, evidence, stage, error }: Attempt, failure: Failure) {
  const harmless = harmlessWords(params, template);
  const subject = { kind: at.kind, key: at.key, batch: batchIdOf(at.batch) };
  return {
    event: FAILED_ATTEMPT,
    version: 1,
    ...{ campaign: at.batch.campaign, ...subject, page: at.page, index: at.index },
    failureClass: failure.failureClass,
    message: failure.message,
    causes: causesOf(error instanceof Failure ? error.cause : error, harmless),
    ...{
      stage: stageOf(stage, failure),
      lastFrame: evidence?.lastFrame ?? null,
      frameCount: template?.frameCount ?? null,
    },
    template: plan && { id: plan.template.id, digest: plan.template.digest },
    ...{ rendition: plan?.rendition ?? null, plannedEngine: plan?.engine.digest ?? null },
    said: (evidence?.messages ?? []).map(({ level, text, place }) => ({ level, text: harmless(text), place })),
    reproduce: reproduceCommand(subject),
  } as const;
}

/** A video goes up while it is made: where the store fails then, it is the upload that failed. */
function stageOf(stage: FailedStage, { failureClass }: Failure): FailedStage {
  const isMaking = stage === 'capture' || stage === 'encode' || stage === 'verify';
  return isMaking && STORE_FAILED.has(failureClass) ? 'upload' : stage;
}

const CAUSES = 8;

/** What lies behind a failure, nearest first: our own words as they are, others as far as they are harmless. */
function causesOf(cause: unknown, harmless: (text: string) => string): string[] {
  const causes: string[] = [];
  for (let next = cause; next !== undefined && next !== null && causes.length < CAUSES; ) {
    if (next instanceof Failure) causes.push(`${next.failureClass}: ${next.message}`);
    else if (next instanceof PageError) causes.push(harmless(thrownText(next)));
    else if (next instanceof Error) causes.push(`${next.constructor.name}${codeOf(next)}: ${harmless(next.message)}`);
    else causes.push(harmless(String(next)));
    next = next instanceof Error ? next.cause : undefined;
  }
  return causes;
}

/** V8 begins what an error says with what it is. */
const thrownText = ({ type, message }: PageError): string =>
  message.startsWith(type) ? message : `${type}: ${message}`;

/** `ECONNREFUSED`, say. */
const codeOf = (error: Error): string => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Za-z0-9_]+$/.test(code) ? ` ${code}` : '';
};

/** What is no `Failure` of ours says whatever it likes: that is left to the causes. */
function told(error: unknown, attempt: Attempt): Failure {
  const failure = asFailure(error);
  if (attempt.error instanceof Failure) return failure;
  return new Failure(failure.failureClass, 'Something failed that Nightreel does not know; the causes say more.');
}

/** Why an attempt was ended from outside, where that counts as a failure: null when somebody wanted it to end. */
function cutOff(): Failure | null {
  const { workerShutdown = false, timedOut = false } = Context.current().cancellationDetails ?? {};
  if (workerShutdown) return new Failure('WorkerLost', 'The worker was stopped in the middle of this attempt.');
  if (timedOut) return new Failure('WorkerLost', 'The attempt took longer than it may, and was given up.');
  return null;
}

function willRetry(failureClass: FailureClass, attempt: number): boolean {
  const { retryable, attempts = RETRY.attempts } = describeFailure(failureClass);
  return retryable && attempt < attempts;
}

const engineOf = ({ digest, captureRoute, chromium, ffmpeg, x264 }: EngineFingerprint) => {
  return { digest, captureRoute, chromium, ffmpeg, x264 };
};

/** Also where the store's client waits for something that no signal ends. */
async function inTime(work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(STORE_LIMIT_MS + 500, null, { signal: timer.signal }).then(() => {
    throw new Failure('StorageUnavailable', 'The object store took too long.');
  });
  late.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
