import { statfs } from 'node:fs/promises';

/** What Chromium wants of /dev/shm for a page of 4K; a container's default is 64 MiB. */
const SHARED_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Whether Chromium must keep its shared memory in files of its profile (`--disable-dev-shm-usage`): slower, but a full
 * /dev/shm ends its processes with SIGBUS.
 */
export async function hasLittleSharedMemory(folder = '/dev/shm'): Promise<boolean> {
  return (await freeBytes(folder)) < SHARED_MEMORY_BYTES;
}

/** Bytes that may still be written to where a folder lies; 0 where there is none. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
