/** Programs on this machine. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** True for a file that this user may run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The folders of a PATH variable, in order. */
export const foldersOf = (path: string): string[] => path.split(delimiter).filter((folder) => folder !== '');

/** The first program of any of these names, in the order of the names, then of the folders. */
export const findProgram = (names: readonly string[], folders: readonly string[]): string | undefined =>
  names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
