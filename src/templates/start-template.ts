/** A new template from one that is there: all of its files, under an ID of its own. */

import { cp, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { TEMPLATE_FILE } from './template-file.ts';

/**
 * Copies the folder `from` to `to`, whose name becomes the ID. There is never half a template under that name. Failure
 * `TemplateInvalid` when something is there already; what the file system refuses is thrown as it comes.
 */
export async function startTemplate(from: string, to: string): Promise<void> {
  const present = await lstat(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (present !== null) {
    throw new Failure('TemplateInvalid', `${to} is there already. Take another name, or remove it first.`);
  }
  const partial = join(dirname(to), `.${basename(to)}.${process.pid}.partial`);
  try {
    await mkdir(dirname(to), { recursive: true });
    const file = join(from, TEMPLATE_FILE);
    // Last: a folder without it is no template, should this process be killed before it could remove it.
    await cp(from, partial, { recursive: true, filter: (path) => path !== file && basename(path) !== 'node_modules' });
    await writeFile(join(partial, TEMPLATE_FILE), withId(await readFile(file, 'utf8'), basename(to)));
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

const identified = z.looseObject({ id: z.string() });

/** template.json with another ID and otherwise as its author laid it out. */
export function withId(json: string, id: string): string {
  const wanted = { ...identified.parse(JSON.parse(json)), id };
  // Scenes have IDs as well; the file's own is mostly the first.
  const edited = json.replace(/("id"\s*:\s*)"[^"]*"/, (_, before: string) => `${before}${JSON.stringify(id)}`);
  return isDeepStrictEqual(JSON.parse(edited), wanted) ? edited : `${JSON.stringify(wanted, null, 2)}\n`;
}
