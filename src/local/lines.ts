/** Files of JSON lines that one run writes anew. */

import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { discard, notWritten } from './not-written.ts';

/** Lines that are put together before they are written. */
const LINES_AT_ONCE = 1000;

const textOf = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Replaces the file; without a line there is none. Failure `EnvironmentInvalid` when there is no room. */
export async function writeLines(path: string, lines: readonly object[]): Promise<void> {
  const partial = `${path}.partial`;
  try {
    if (lines.length === 0) return await rm(path, { force: true });
    await writeFile(partial, chunks(lines));
    await rename(partial, path);
  } catch (cause) {
    await discard(partial);
    throw notWritten(path, cause);
  }
}

/** Adds lines to the file, or begins it with them. */
export async function addLines(path: string, lines: readonly object[]): Promise<void> {
  await appendFile(path, textOf(lines)).catch((cause: unknown) => {
    throw notWritten(path, cause);
  });
}

function* chunks(lines: readonly object[]): Generator<string, void, undefined> {
  for (let at = 0; at < lines.length; at += LINES_AT_ONCE) yield textOf(lines.slice(at, at + LINES_AT_ONCE));
}
