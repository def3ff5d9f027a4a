/** The one way in which this project makes an S3 client. */

import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { countRetried, countThrottled } from '../telemetry/metrics.ts';
import { statusOf } from './storage-failure.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** A whole request with its answer's head; a video is a few MB. */
const REQUEST_TIMEOUT_MS = 120_000;
/** No byte in either direction for so long, in the middle of a body too: the connection is given up. */
const IDLE_TIMEOUT_MS = 30_000;

/**
 * Whatever slows one request of this client down (503, 429) holds all its others back as well, and repeated ones wait: the SDK's
 * adaptive retries, which need to be told that a 503 without a body, to a HEAD, is no other than one that says SlowDown. A clock that
 * jumps costs nothing but the requests under way, which are sent again with the server's time.
 *
 * @param idleTimeoutMs a connection on which nothing moves for so long is given up; 30 s by default.
 */
export function createS3Client(clientConfig: S3ClientConfig, idleTimeoutMs: number = IDLE_TIMEOUT_MS): S3Client {
  // Who waits for a socket of an agent is timed out as if the server did not answer: what is under way is limited elsewhere.
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  const client = new S3Client({
    forcePathStyle: clientConfig.endpoint !== undefined,
    maxAttempts: 4,
    retryMode: 'adaptive',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: idleTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...clientConfig,
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (isThrottling(error)) {
          countThrottled();
          throw Object.assign(error, { $retryable: { throttling: true } });
        }
        if (isSkewed(args.request, error)) {
          // The SDK signs with the server's time from then on, and tries only the first of those again that were under way.
          throw Object.assign(error, { Code: 'RequestTimeTooSkewed', $retryable: { throttling: false } });
        }
        throw error;
      }
    },
    // Innermost, so that it sees every attempt.
    { step: 'finalizeRequest', priority: 'low', name: 'tellRetryable' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const answer = await next(args);
        countRetried(attemptsOf(answer.output) - 1);
        return answer;
      } catch (error) {
        countRetried(attemptsOf(error) - 1);
        throw error;
      }
    },
    // Outermost, so that it sees how many attempts there were.
    { step: 'initialize', priority: 'high', name: 'countRetries' },
  );
  return client;
}

const attemptsOf = (told: unknown): number =>
  (told as { readonly $metadata?: { readonly attempts?: number } }).$metadata?.attempts ?? 1;

/** As the SDK counts it; S3 refuses what is off by fifteen minutes. */
const SKEWED_MS = 5 * 60_000;

/**
 * Whether a request was refused that had been signed for another time than the server's. To a HEAD the answer has no body that could
 * say so: it looks like a missing right.
 */
function isSkewed(request: unknown, error: unknown): error is object {
  if (statusOf(error) !== 403) return false;
  const { headers } = request as { readonly headers?: Readonly<Record<string, string>> };
  const { $response } = error as { readonly $response?: { readonly headers?: Readonly<Record<string, string>> } };
  // 20260302T040000Z
  const signed = headers?.['x-amz-date']?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5') ?? '';
  return Math.abs(Date.parse(signed) - Date.parse($response?.headers?.['date'] ?? '')) > SKEWED_MS;
}

const isThrottling = (error: unknown): error is object => [429, 503].includes(statusOf(error) ?? 0);

/** How the server encrypts what it stores, where it is not to do as the bucket's own setting says. */
export interface Encryption {
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse';
  /** ID, ARN or alias of a KMS key; null: the account's own for S3. */
  readonly kmsKey: string | null;
}

/** The fields of a write that say so. */
export const encryptionFields = (encryption: Encryption | null) =>
  encryption === null
    ? {}
    : {
        ServerSideEncryption: encryption.algorithm,
        ...(encryption.kmsKey !== null && { SSEKMSKeyId: encryption.kmsKey }),
      };
