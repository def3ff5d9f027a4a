/**
 * The files of a template that its page may ask for. The engine serves exactly these bytes, and the digest covers exactly
 * these bytes: nothing can change a picture without changing the digest.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import canonicalize from 'canonicalize';
import { Failure } from '../contracts/failures.ts';
import { TEMPLATE_FILE, type TemplateFile } from './template-file.ts';

const LIMIT_BYTES = 256 * 1024 * 1024;
/** What the author keeps beside the template: sources that `index.html` is built from, packages. */
const AUTHOR_FOLDERS: readonly string[] = ['source', 'node_modules'];

const isAuthorsOwn = (name: string): boolean => name.startsWith('.') || name.endsWith('.md');
/** Whether a file or folder of the template's own folder, by its path there, is anything to its page. */
export const isServed = (path: string): boolean =>
  !isAuthorsOwn(basename(path)) && !AUTHOR_FOLDERS.includes(path) && path !== TEMPLATE_FILE;

/**
 * Every servable file of the folder by its path with forward slashes, sorted by that path. Failure `TemplateInvalid` for a link that
 * leads out of the folder: a page sees nothing else of the machine.
 */
export async function readTemplateFiles(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const home = await realpath(folder);
  let total = 0;
  const walk = async (prefix: string): Promise<void> => {
    for (const one of await readdir(join(folder, prefix), { withFileTypes: true })) {
      const path = `${prefix}${one.name}`;
      if (!isServed(path)) continue;
      if (one.isSymbolicLink()) await assertInside(home, path);
      const entry = await stat(join(folder, path));
      if (entry.isDirectory()) {
        await walk(`${path}/`);
      } else if (entry.isFile()) {
        total += entry.size;
        if (total > LIMIT_BYTES) {
          throw new Failure('TemplateInvalid', `${folder} holds more than ${LIMIT_BYTES / 1024 / 1024} MiB of files.`);
        }
        found.set(path, await readFile(join(folder, path)));
      }
    }
  };
  await walk('');
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function assertInside(home: string, path: string): Promise<void> {
  const from = await realpath(dirname(join(home, path)));
  const target = await realpath(join(home, path)).catch(() => null);
  if (target === null) throw new Failure('TemplateInvalid', `'${path}' is a link to what is not there. Remove it.`);
  const isInside = `${target}${sep}`.startsWith(`${home}${sep}`);
  const isAround = `${from}${sep}`.startsWith(`${target}${sep}`);
  if (isInside && !isAround) return;
  throw new Failure(
    'TemplateInvalid',
    `'${path}' is a link ${isInside ? 'to a folder that it lies in' : "out of the template's folder"}. Put what it leads to into the folder itself.`,
  );
}

/** sha256 hex over the servable files and those fields of template.json that decide pixels. */
export function digestOf(file: TemplateFile, files: ReadonlyMap<string, Uint8Array>): string {
  const { entry, width, height, fps, durationMs, contract, repaints, fonts, posterMs = null } = file;
  const { scenes, soundtrack } = file;
  const whole = { entry, width, height, fps, durationMs, contract, repaints, fonts, posterMs };
  // A scene shows the placeholder wherever it does not declare a param.
  const inScenes =
    scenes === undefined ? {} : { scenes, soundtrack: soundtrack ?? null, placeholder: file.placeholder };
  const hash = createHash('sha256');
  hash.update(canonicalize({ ...whole, ...inScenes }) ?? '');
  for (const [path, bytes] of files) hash.update(`\0${path}\0${bytes.byteLength}\0`).update(bytes);
  return hash.digest('hex');
}
