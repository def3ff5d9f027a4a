import { statfs } from 'node:fs/promises';

/** What Chromium wants of /dev/shm for a page of 4K; a container's default is 64 MiB. */
const SHARED_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Whether Chromium must keep its shared memory in files of its profile (`--disable-dev-shm-usage`): slower, but a full
 * /dev/shm ends its processes with SIGBUS.
 */
export async function hasLittleSharedMemory(folder = '/dev/shm'): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize < SHARED_MEMORY_BYTES;
  } catch {
    return true;
  }
}
