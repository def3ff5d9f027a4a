/** Why a file could not be written, in words. */

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

export function notWritten(path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  return new Failure('EnvironmentInvalid', `${path} cannot be written: ${REASONS[code] ?? code}.`, { cause });
}
