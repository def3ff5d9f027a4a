/** The front end's own files: all that the app's room serves besides data. Read once, so that no path reaches anything else. */

import { readdir, readFile } from 'node:fs/promises';
import { mediaTypeOf } from '../rendering/page/origin.ts';
import type { ServedFile } from './frame-files.ts';

const FOLDER = new URL('./app/', import.meta.url);

/** By path below the token. */
export async function readApp(): Promise<ReadonlyMap<string, ServedFile>> {
  const files = new Map<string, ServedFile>();
  for (const name of await readdir(FOLDER)) {
    const file = { type: mediaTypeOf(name), bytes: await readFile(new URL(name, FOLDER)) };
    files.set(name === 'index.html' ? '' : `app/${name}`, file);
  }
  return files;
}
