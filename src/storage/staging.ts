import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOwned, removeOwned, workRoot } from '../machine/owned-folders.ts';

/**
 * Hands over what was written to a temporary file and read from it again: how videos are uploaded where nothing may leave before all of
 * it is there. The file is gone afterwards.
 */
export async function viaFile<T>(bytes: Uint8Array, use: (read: Uint8Array) => Promise<T>): Promise<T> {
  const folder = await createOwned(workRoot());
  try {
    const path = join(folder, 'video.mp4');
    await writeFile(path, bytes);
    return await use(await readFile(path));
  } finally {
    await removeOwned(folder);
  }
}
