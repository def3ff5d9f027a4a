/** User data directories of browsers, and what browsers of killed processes may have left elsewhere. */

import { lstat, readdir, readlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createOwned, orphansIn, ownedRoot, removeOwned } from '../../machine/owned-folders.ts';
import { listProcesses } from './process-tree.ts';
import { hasLittleSharedMemory } from './shared-memory.ts';
import { killGroup } from './tied-process.ts';

/** Where this user's profiles may lie: in memory, or on a disk where there is too little of it. */
export const profileRoots = (): [string, string] => [
  ownedRoot('/dev/shm', 'browsers'),
  ownedRoot(tmpdir(), 'browsers'),
];

/** Where they lie now. What a page stores is a recipient's: it is not written to a disk without need. */
export function profileRoot(): string {
  const [inMemory, onDisk] = profileRoots();
  return hasLittleSharedMemory() ? onDisk : inMemory;
}

export const createProfile = createOwned;

/** Where a browser with this profile keeps what is temporary: the path of a socket in it may have 107 bytes, Chromium's own names 44. */
export const temporaryOf = (profile: string): string => dirname(profile);

export async function removeProfile(profile: string): Promise<void> {
  const socket = await readlink(join(profile, 'SingletonSocket')).catch(() => '');
  if (dirname(dirname(socket)) === temporaryOf(profile)) await removeOwned(dirname(socket));
  await removeOwned(profile);
}

/** Removes the profiles whose owner no longer lives, and kills a browser that still holds one. Returns how many. */
export async function sweepProfiles(root: string): Promise<number> {
  const orphans = await orphansIn(root);
  // A browser that hung while it was launched, by a process that was killed in that moment: nothing else ends it.
  if (orphans.length > 0) {
    for (const { group, commandLine } of listProcesses()) {
      const named = commandLine();
      if (orphans.some((path) => named.includes(`--user-data-dir=${path}`))) killGroup(group);
    }
  }
  await Promise.all(orphans.map(removeProfile));
  return orphans.length;
}

/** The same wherever they may lie. */
export async function sweepAllProfiles(): Promise<number> {
  const counts = await Promise.all(profileRoots().map(sweepProfiles));
  return counts.reduce((sum, count) => sum + count, 0);
}

const CHROMIUM_SEGMENT = /^\.(org\.chromium\.Chromium|com\.google\.Chrome)\.\w{6}$/;
/** Chromium unlinks a segment in the moment after it has made it: one that still has a name then was left by a killed one. */
const SEGMENT_AGE_MS = 60_000;

/** Removes this user's segments of shared memory that a killed Chromium left named. Returns how many. */
export async function sweepSharedMemory(folder = '/dev/shm', now = Date.now()): Promise<number> {
  const names = await readdir(folder).catch((): string[] => []);
  const removed = await Promise.all(
    names
      .filter((name) => CHROMIUM_SEGMENT.test(name))
      .map(async (name) => {
        const path = join(folder, name);
        try {
          const { uid, mtimeMs } = await lstat(path);
          if (uid !== process.getuid?.() || now - mtimeMs < SEGMENT_AGE_MS) return false;
          await unlink(path);
          return true;
        } catch {
          // Somebody else was faster.
          return false;
        }
      }),
  );
  return removed.filter(Boolean).length;
}
