/** What is done about a file that could not be written. */

import { rm } from 'node:fs/promises';
import { Failure } from '../contracts/failures.ts';

/** By the system's error codes (errno(3)). */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'part of the path is not a folder',
  EEXIST: 'something that is not a folder is there',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it can only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is full",
  ENAMETOOLONG: 'the name is too long',
};

/** Failure `EnvironmentInvalid` that says why, in words; a failure that is one already stays what it is. */
export function notWritten(path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown reason';
  return new Failure('EnvironmentInvalid', `${path} cannot be written: ${REASONS[code] ?? code}.`, { cause });
}

/** Removes what was written of it. What stands in the way of that is what stood in the way of writing, and is told. */
export async function discard(partial: string): Promise<void> {
  await rm(partial, { force: true }).catch(() => undefined);
}
