/** Failed attempts in the batch's folder: written once, read back for one variant or scene. */

import { Failure } from '../../contracts/failures.ts';
import { type BatchRef, isSceneKey, isVariantKey, objectKeys } from '../../contracts/ids.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type FailureLine, failureLineSchema } from './failure-line.ts';

/** What failed: a variant of a batch, or a scene. */
export interface Subject {
  readonly batch: BatchRef;
  readonly kind: FailureLine['kind'];
  readonly key: string;
}

/** Where all is that failed attempts left of it. */
export function failuresOf({ batch, kind, key }: Subject): string {
  if (kind === 'scene' && isSceneKey(key)) return objectKeys.failuresOfScene(batch, key);
  if (kind === 'variant' && isVariantKey(key)) return objectKeys.failuresOfVariant(batch, key);
  throw new Failure('Internal', `'${key}' is no key of a ${kind}.`);
}

export interface AttemptName {
  /** When the server wanted it done, milliseconds since 1970: the same whoever writes it down. */
  readonly scheduledMs: number;
  readonly activity: FailureLine['activity'];
  readonly attempt: number;
  readonly runId: string;
}

/** The attempt's name in the folder; names sort by time. */
export function attemptName({ scheduledMs, activity, attempt, runId }: AttemptName): string {
  const time = new Date(scheduledMs).toISOString().replaceAll(/[-:]/g, '');
  return `${time}-${activity}-${String(attempt).padStart(2, '0')}-${runId.slice(0, 8)}`;
}

export async function putFailureLine(
  store: ObjectStore,
  key: string,
  line: FailureLine,
  signal: AbortSignal,
): Promise<void> {
  await store.putImmutable(key, `${JSON.stringify(line)}\n`, { contentType: 'application/json' }, signal);
}

export interface StoredAttempt {
  readonly line: FailureLine;
  /** Key of the screenshot, where it is there. */
  readonly screenshot: string | null;
}

/** All failed attempts at it, the first one first. What cannot be read as a line is told by its key. */
export async function readFailureLines(
  store: ObjectStore,
  subject: Subject,
  signal?: AbortSignal,
): Promise<{ readonly attempts: readonly StoredAttempt[]; readonly unreadable: readonly string[] }> {
  const keys = (await Array.fromAsync(store.list(failuresOf(subject), signal))).map(({ key }) => key);
  const attempts: StoredAttempt[] = [];
  const unreadable: string[] = [];
  for (const key of keys.filter((name) => name.endsWith('.json'))) {
    const text = await store.getText(key, signal);
    if (text === null) continue;
    const line = failureLineSchema.safeParse(parsed(text));
    if (!line.success) unreadable.push(key);
    else attempts.push({ line: line.data, screenshot: keys.find((name) => name === line.data.screenshot) ?? null });
  }
  return { attempts, unreadable };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
