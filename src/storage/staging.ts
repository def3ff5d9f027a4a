import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Hands over what was written to a temporary file and read from it again: how videos are uploaded where nothing may leave before all of
 * it is there. The file is gone afterwards.
 */
export async function viaFile<T>(bytes: Uint8Array, use: (read: Uint8Array) => Promise<T>): Promise<T> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-staged-'));
  const path = join(folder.path, 'video.mp4');
  await writeFile(path, bytes);
  return await use(await readFile(path));
}
