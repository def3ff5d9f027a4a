/**
 * User data directories of browsers. Each is named after the process that owns it, so that the next start can remove those
 * whose owner was killed before it could.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where this user's profiles lie. */
export const profileRoot = (): string => join(tmpdir(), `nightreel-browsers-${userInfo().uid}`);

/** A new, empty directory of this process. */
export async function createProfile(root: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  return await mkdtemp(join(root, `${ownerName(process.pid)}-`));
}

/** Removes a profile; Chromium's last writes may still be coming in. */
export async function removeProfile(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Removes the profiles whose owner no longer lives. Returns how many. */
export async function sweepProfiles(root: string): Promise<number> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const orphans = names.filter(isOrphan);
  await Promise.all(orphans.map((name) => removeProfile(join(root, name))));
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
