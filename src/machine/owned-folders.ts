/**
 * Folders that belong to a process: profiles of browsers, framebuffers of displays. Each is named after the process that owns
 * it, so that the next start can remove those whose owner was killed before it could.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from './system-error.ts';

/** Where this user's folders of one kind lie: `/dev/shm/nightreel-displays-1000` for `('/dev/shm', 'displays')`. */
export const ownedRoot = (base: string, kind: string): string => join(base, `nightreel-${kind}-${userInfo().uid}`);

/** Where files lie for a moment that say something of people, or show it: what is left of a killed process goes at the next start. */
export const workRoot = (): string => ownedRoot(tmpdir(), 'work');

/** A path in there for a program that makes the folder by itself. Failure as of `createOwned`. */
export async function workPath(name: string): Promise<string> {
  const root = workRoot();
  await inRoom(root, () => ensureRoot(root));
  return join(root, `${ownerName(process.pid)}-${name}`);
}

/** A new, empty folder of this process, readable by its user alone. Failure `EnvironmentInvalid` when there cannot be one. */
export async function createOwned(root: string): Promise<string> {
  return await inRoom(root, async () => {
    await ensureRoot(root);
    return await mkdtemp(join(root, `${ownerName(process.pid)}-`));
  });
}

async function inRoom<T>(root: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const reason = String(codeOf(cause) ?? cause);
    throw new Failure(
      'EnvironmentInvalid',
      `No temporary folder can be made in ${root} (${reason}): is the disk full, or TMPDIR not a folder that this user may write to?`,
      { cause },
    );
  }
}

async function ensureRoot(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(root);
  // Everybody may write beside it: a folder that somebody else made first would show them every picture.
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new Failure('EnvironmentInvalid', `${root} belongs to another user (uid ${uid}). Have it removed.`);
  }
}

/** Removes a folder; last writes of a program that ends may still be coming in. */
export async function removeOwned(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** The folders whose owner no longer lives. */
export async function orphansIn(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    // What is no folder is told by whoever needs one.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return names.filter(isOrphan).map((name) => join(root, name));
}

/** Removes the folders whose owner no longer lives. Returns how many. */
export async function sweepOwned(root: string): Promise<number> {
  const orphans = await orphansIn(root);
  await Promise.all(orphans.map(removeOwned));
  return orphans.length;
}

// A pid means nothing in another container that shares this folder, and is given again after a while.
const namespace = (): string => linkOf('/proc/self/ns/pid').replace(/\D/g, '') || '0';

function ownerName(pid: number): string {
  return `${namespace()}-${pid}-${startOf(pid) ?? '0'}`;
}

function isOrphan(name: string): boolean {
  const [space, pid, start] = name.split('-');
  if (space !== namespace() || pid === undefined) return false;
  const current = startOf(Number(pid));
  return current === null ? !isAlive(Number(pid)) : current !== start;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in ticks since boot (proc(5), field 22); null where that cannot be known. */
function startOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
