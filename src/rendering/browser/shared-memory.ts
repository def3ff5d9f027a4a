import { statfsSync } from 'node:fs';

/** What Chromium wants of /dev/shm for a page of 4K; a container's default is 64 MiB. */
const SHARED_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Whether Chromium must keep its shared memory in files of its profile (`--disable-dev-shm-usage`): slower, but a full
 * /dev/shm ends its processes with SIGBUS.
 */
export const hasLittleSharedMemory = (folder = '/dev/shm'): boolean => freeBytes(folder) < SHARED_MEMORY_BYTES;

/** Bytes that may still be written to where a folder lies; 0 where there is none. */
export function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
