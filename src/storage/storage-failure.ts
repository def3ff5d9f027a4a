/** The one place where an error of the S3 client becomes a `Failure`: its class, and a sentence that says what to do. */

import { createHash } from 'node:crypto';
import { Failure, type FailureClass } from '../contracts/failures.ts';

/** Where an operation was to happen. */
export interface StorageTarget {
  /** Name of the S3 operation, for example `PutObject`. */
  readonly operation: string;
  readonly key?: string;
  readonly bucket: string;
  readonly endpoint: string;
}

/** Key prefixes of Nightreel's own objects: their keys name nobody. Pointers may not lie under them. */
export const OWN_PREFIXES = [
  'videos/',
  'scenes/',
  'batches/',
  'state/',
  'inputs/',
  'templates/',
  'withdrawn/',
  'results/',
  'estimates/',
  'health/',
] as const;

interface Verdict {
  readonly failureClass: FailureClass;
  readonly what: string;
  readonly advice: string;
}

const denied = (what: string, advice: string): Verdict => ({ failureClass: 'StorageDenied', what, advice });
const unavailable = (what: string, advice: string): Verdict => ({ failureClass: 'StorageUnavailable', what, advice });

const CHECK_CREDENTIALS = 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE).';
const CHECK_ENDPOINT = 'Check the endpoint (AWS_ENDPOINT_URL_S3) and that the server runs (`nightreel status`).';
const PASSES = 'This usually passes; it is tried again.';

const BY_CODE: Readonly<Record<string, Verdict>> = {
  InvalidAccessKeyId: denied('the access key is not known there', CHECK_CREDENTIALS),
  SignatureDoesNotMatch: denied('the secret key does not belong to the access key', CHECK_CREDENTIALS),
  CredentialsProviderError: denied('no credentials were found', CHECK_CREDENTIALS),
  ExpiredToken: denied('the session token has expired', 'Sign in again, or give the machine a role.'),
  InvalidToken: denied('the session token is not valid', 'Sign in again, or check AWS_SESSION_TOKEN.'),
  RequestTimeTooSkewed: unavailable("this machine's clock is off by minutes", 'Set the clock. It is tried again.'),
  NoSuchBucket: denied('there is no such bucket', 'Create it, or correct the name of the bucket.'),
  InvalidBucketName: denied('that is no possible name of a bucket', 'Correct the name of the bucket.'),
  PermanentRedirect: denied('the bucket is in another region', 'Set AWS_REGION to the region of the bucket.'),
  AuthorizationHeaderMalformed: denied(
    'the request was signed for another region',
    'Set AWS_REGION to that of the bucket.',
  ),
  ECONNREFUSED: unavailable('nothing listens there', CHECK_ENDPOINT),
  ENOTFOUND: unavailable('the host name does not resolve', CHECK_ENDPOINT),
  EAI_AGAIN: unavailable('the name server did not answer', CHECK_ENDPOINT),
  EHOSTUNREACH: unavailable('the host cannot be reached', CHECK_ENDPOINT),
  ENETUNREACH: unavailable('the network cannot be reached', CHECK_ENDPOINT),
  ECONNRESET: unavailable('the connection was cut', PASSES),
  EPIPE: unavailable('the connection was cut', PASSES),
  ETIMEDOUT: unavailable('it did not answer in time', CHECK_ENDPOINT),
  TimeoutError: unavailable('it did not answer in time', CHECK_ENDPOINT),
  SlowDown: unavailable('it asked for fewer requests', PASSES),
  BadDigest: unavailable('the bytes were altered on the way', PASSES),
  NoSuchUpload: unavailable('somebody has aborted the upload', 'It is tried again.'),
  ConditionalRequestConflict: unavailable('others kept writing the same key', PASSES),
};

/** Maps whatever the S3 client threw to a `Failure` of class StorageDenied, StorageUnavailable, Cancelled or Internal. */
export function storageFailure(error: unknown, target: StorageTarget, signal?: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  const { operation, key, bucket, endpoint } = target;
  const place = `${operation}${key === undefined ? '' : ` of ${shownKey(key)}`} in bucket ${bucket} at ${endpoint}`;
  const cause = key === undefined || isOwn(key) ? error : withoutWords(error);
  if (signal?.aborted || nameOf(error) === 'AbortError') {
    return new Failure('Cancelled', `${place} was cancelled.`, { cause });
  }
  const { failureClass, what, advice } = judge(error);
  return new Failure(failureClass, `${place} failed: ${what}. ${advice}`, { cause });
}

function judge(error: unknown): Verdict {
  const code = codesOf(error).find((candidate) => Object.hasOwn(BY_CODE, candidate));
  const known = code === undefined ? undefined : BY_CODE[code];
  if (known !== undefined) return { ...known, what: `${known.what} (${code})` };
  const status = statusOf(error);
  const label = [status === undefined ? null : `HTTP ${status}`, ...codesOf(error).slice(0, 1)]
    .filter(Boolean)
    .join(' ');
  if (status === 401 || status === 403) {
    return denied(
      `access was refused (${label})`,
      'Check the credentials and the bucket policy: objects need s3:GetObject and s3:PutObject, the bucket s3:ListBucket.',
    );
  }
  if (status === 301 || status === 307)
    return denied(`it was redirected (${label})`, 'Set AWS_REGION to that of the bucket.');
  if (status === 429 || (status !== undefined && status >= 500)) return unavailable(`it answered ${label}`, PASSES);
  if (status === undefined && nameOf(error) !== 'TypeError') {
    return unavailable(`it gave no answer (${label || messageOf(error)})`, CHECK_ENDPOINT);
  }
  return {
    failureClass: 'Internal',
    what: `it answered ${label || messageOf(error)}`,
    advice: 'The worker log has the details.',
  };
}

const isOwn = (key: string): boolean => OWN_PREFIXES.some((prefix) => key.startsWith(prefix));

/** A pointer's key holds a recipient's ID, which may be an e-mail address: messages show its digest instead. */
const shownKey = (key: string): string =>
  isOwn(key) ? key : `the pointer with key sha256 ${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;

/** Stores name the object that they refuse: AWS "not authorized to perform: s3:PutObject on resource: arn:aws:s3:::…". */
const withoutWords = (error: unknown): Error =>
  new Error([...codesOf(error), statusOf(error) ?? ''].join(' ').trim() || 'no answer');

interface ErrorShape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

const shapeOf = (error: unknown): ErrorShape => (typeof error === 'object' && error !== null ? error : {});
const nameOf = (error: unknown): unknown => shapeOf(error).name;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The HTTP status of an S3 answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = shapeOf(error).$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The error's own names, most telling first: S3's code, Node's code, the class. HEAD answers carry none. */
export const codesOf = (error: unknown): string[] =>
  [shapeOf(error).Code, shapeOf(error).code, shapeOf(error).name].filter(
    (code): code is string => typeof code === 'string' && code !== 'Unknown' && code !== 'Error',
  );
