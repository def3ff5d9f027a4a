/**
 * The closed list of what can go wrong. Every failure has one class; workflows, retries, reports and exit codes decide
 * on the class and never on a message. Pure data, no I/O: workflow code imports this file.
 */

/** Who can make it go away. `nobody`: it passes by itself when tried again. */
export type FailureActor = 'author' | 'data' | 'operator' | 'nobody';

interface FailureDescription {
  readonly actor: FailureActor;
  /** Whether the same attempt, unchanged, may succeed later. */
  readonly retryable: boolean;
  /** Attempts after which it is final all the same. Absent: as many as `RETRY` has. */
  readonly attempts?: number;
  /** Between two attempts, instead of a pause that grows. */
  readonly pause?: `${number} seconds`;
  /** What a person reads in the report: what it means and what to do. */
  readonly sentence: string;
}

/** Of every activity: an outage of some ten minutes is waited out, with pauses that double up to the longest. */
export const RETRY = { attempts: 15, firstPause: '1 second', longestPause: '1 minute' } as const;

const describe = <const T extends Record<string, FailureDescription>>(classes: T): T => classes;

export const FAILURES = describe({
  TemplateInvalid: {
    actor: 'author',
    retryable: false,
    sentence:
      'The template is missing something it must have. Fix the template, then run the night again with `nightreel run`.',
  },
  TemplateNotReady: {
    actor: 'author',
    retryable: false,
    sentence: 'The template never said hf-params-ready. Check its message listener with `nightreel render`.',
  },
  TemplateCrashed: {
    actor: 'author',
    retryable: false,
    sentence: 'The template threw an error while it was being rendered. Fix the script named in the message.',
  },
  NetworkForbidden: {
    actor: 'author',
    retryable: false,
    sentence: 'The template asked for something outside its folder. Embed it: renders have no network.',
  },
  FontMissing: {
    actor: 'author',
    retryable: false,
    sentence: 'A font that the template declares did not load. Embed the font or correct the declaration.',
  },
  OutputInvalid: {
    actor: 'author',
    retryable: false,
    sentence: 'The finished video failed its check (length, size, blank picture) and was not uploaded.',
  },
  ParamsInvalid: {
    actor: 'data',
    retryable: false,
    sentence: "The recipient's values do not fit the template's schema. Correct them at the source.",
  },
  DataQuality: {
    actor: 'data',
    retryable: false,
    sentence: 'Too many rows were rejected for this to be a normal night. Look at rejects.jsonl before running again.',
  },
  CampaignInvalid: {
    actor: 'operator',
    retryable: false,
    sentence: 'The campaign file is wrong or names something that does not exist. Correct it and run again.',
  },
  EnvironmentInvalid: {
    actor: 'operator',
    retryable: false,
    sentence: 'An environment variable is missing or wrong. Correct it; docs/configuration.md lists them all.',
  },
  TemplateChanged: {
    actor: 'operator',
    retryable: false,
    sentence: 'The template on the render worker is not the one that was planned. Deploy one version everywhere.',
  },
  EngineMismatch: {
    actor: 'operator',
    retryable: true,
    // A worker with another engine is idle and would take the retry as well: it waits for one that fits.
    pause: '20 seconds',
    sentence: 'This worker renders with another engine than the one that was planned. Run one image everywhere.',
  },
  ManifestDamaged: {
    actor: 'operator',
    retryable: false,
    sentence:
      'A page of the manifest is missing or is not what the plan wrote, so its lane stopped. Run the night again: it is planned anew, and what is stored is not rendered again.',
  },
  ToolMissing: {
    actor: 'operator',
    retryable: false,
    sentence: 'Chromium or ffmpeg is missing or does not start. Run `nightreel setup` on that machine.',
  },
  StorageDenied: {
    actor: 'operator',
    retryable: false,
    sentence: 'The object store refused the credentials or the bucket. Check AWS_* and the bucket policy.',
  },
  StorageUnfit: {
    actor: 'operator',
    retryable: false,
    sentence:
      'The object store ignores a condition of a write, so pointers could go back to an older video. Use a store that honours If-None-Match and If-Match; `nightreel doctor` shows what yours does.',
  },
  ContentMismatch: {
    actor: 'operator',
    retryable: false,
    sentence:
      'A stored video is not the one that its key promises. Nothing was overwritten. The message says what differs; once that is explained, delete the stored one, and it is rendered again.',
  },
  WarehouseDenied: {
    actor: 'operator',
    retryable: false,
    sentence: 'The warehouse refused access: file, credentials, role or rights. Check the source in the campaign.',
  },
  SqlError: {
    actor: 'data',
    retryable: false,
    sentence: 'The table, a column or the query of the source is wrong. Correct it; try with `nightreel delta`.',
  },
  BrowserCrashed: {
    actor: 'nobody',
    retryable: true,
    // A browser that dies on the same variant again and again is not an outage.
    attempts: 5,
    sentence: 'Chromium ended in the middle of a render. It is tried again on a fresh browser.',
  },
  BrowserHung: {
    actor: 'nobody',
    retryable: true,
    attempts: 3,
    sentence: 'Chromium stopped answering. It is tried again on a fresh browser.',
  },
  EncoderFailed: {
    actor: 'nobody',
    retryable: true,
    attempts: 5,
    sentence: 'ffmpeg ended with an error. It is tried again; if it stays, read the message for its last words.',
  },
  StorageUnavailable: {
    actor: 'nobody',
    retryable: true,
    sentence: 'The object store did not answer or throttled. It is tried again with growing pauses.',
  },
  SceneDamaged: {
    actor: 'nobody',
    retryable: true,
    sentence: 'A stored scene was damaged. It is dropped and rendered again.',
  },
  AssemblyMismatch: {
    actor: 'nobody',
    retryable: false,
    sentence: 'Scenes of one video were encoded differently and cannot be joined. The video is rendered whole instead.',
  },
  WarehouseUnavailable: {
    actor: 'nobody',
    retryable: true,
    sentence: 'The warehouse did not answer. It is tried again with growing pauses.',
  },
  TemporalUnavailable: {
    actor: 'operator',
    retryable: true,
    sentence: 'No Temporal server answers at the address. Start one with `nightreel up` or check TEMPORAL_ADDRESS.',
  },
  PayloadUnreadable: {
    actor: 'operator',
    // Another worker may have the key.
    retryable: true,
    sentence:
      'What Temporal holds is encrypted with a key that this process does not have. Give every process the same file of keys; docs/encryption.md says how.',
  },
  Cancelled: {
    actor: 'operator',
    retryable: false,
    sentence: 'It was cancelled before it ended. `nightreel backfill` takes it up again.',
  },
  WorkerLost: {
    actor: 'nobody',
    retryable: true,
    sentence: 'The worker died or was stopped in the middle of the work. It is tried again on another one.',
  },
  Internal: {
    actor: 'operator',
    retryable: true,
    attempts: 5,
    sentence: 'Nightreel itself failed in a way it does not know. The message and the worker log say more.',
  },
});

export type FailureClass = keyof typeof FAILURES;

/** What is known of a class, whichever it is. */
export const describeFailure = (failureClass: FailureClass): FailureDescription => FAILURES[failureClass];

export const isFailureClass = (value: unknown): value is FailureClass =>
  typeof value === 'string' && Object.hasOwn(FAILURES, value);

/** The classes that Temporal must not retry. */
export const NON_RETRYABLE_CLASSES: readonly FailureClass[] = (Object.keys(FAILURES) as FailureClass[]).filter(
  (name) => !FAILURES[name].retryable,
);

export interface FailureOptions {
  readonly cause?: unknown;
  readonly detail?: string | undefined;
}

/**
 * The one error type of the project: a class, and a message that says what happened, where, and what to do next.
 * The message must not hold a recipient's params: it is shown in the Temporal Web UI, in spans and in reports. Text that
 * the engine did not write (what a template threw, an address it asked for) may quote them in any form, so it is no part
 * of the message but the `detail`.
 */
export class Failure extends Error {
  readonly failureClass: FailureClass;
  /**
   * Text that may quote a recipient, in one line. Shown to the person at the terminal; its harmless words are kept in the worker's
   * log. Never sent to Temporal, put into a span or written into a report.
   */
  readonly detail: string | undefined;

  constructor(failureClass: FailureClass, message: string, { detail, ...options }: FailureOptions = {}) {
    super(message, options);
    this.name = failureClass;
    this.failureClass = failureClass;
    this.detail = detail;
  }
}

/** The error itself when it already is a `Failure`, else one of class `fallback` that keeps it as its cause. */
export function asFailure(error: unknown, fallback: FailureClass = 'Internal'): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(fallback, message, { cause: error });
}
