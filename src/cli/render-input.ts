/** What `nightreel render` is given: a template and params. */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import { templateFolders } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import { listTemplates } from '../templates/list.ts';
import { loadTemplate, type Template } from '../templates/template.ts';

/** A name in templates/; else a folder, or an HTML file that is a HyperFrames composition. */
export async function openTemplate(name: string): Promise<Template> {
  const { folder, page } = await locateTemplate(name);
  return await loadTemplate(folder, page);
}

/** Its folder, and the file in it where one was named. */
export async function locateTemplate(name: string): Promise<{ readonly folder: string; readonly page?: string }> {
  const isPage = name.endsWith('.html') && (await stat(name).catch(() => null))?.isFile();
  return isPage ? { folder: dirname(resolve(name)), page: basename(name) } : { folder: await findTemplate(name) };
}

/** The folder of it, whatever is in there. */
export async function findTemplate(name: string): Promise<string> {
  const folders = templateFolders();
  const known = await Promise.all(folders.map(listTemplates));
  const place = folders.find((_, at) => known[at]?.includes(name));
  if (place !== undefined) return join(place, name);
  const isFolder = await stat(name).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return resolve(name);
  throw new Failure(
    'TemplateInvalid',
    `There is no template '${name}': neither a folder, nor an .html file, nor a name in ${folders.map((folder, at) => `${folder}, which has ${known[at]?.join(', ') || 'none'}`).join(', or in ')}.`,
  );
}

/** `source`: JSON, a file, or `-` for stdin; the template's example when there is none. */
export async function readParams(source: string | undefined, template: Template, signal: AbortSignal): Promise<Params> {
  if (source === undefined) return template.example;
  const where = source === '-' ? 'stdin' : source.trimStart().startsWith('{') ? '--params' : source;
  const json = where === 'stdin' ? await readStdin(signal) : where === '--params' ? source : await readText(source);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new Failure('ParamsInvalid', `The params of ${where} are not JSON.`, { cause });
  }
  const check = template.validateParams(value);
  if (check.ok) return check.params;
  const lines = check.errors.map(({ path, reason }) => `  ${path} ${reason}`);
  throw new Failure(
    'ParamsInvalid',
    `The params of ${where} do not fit template '${template.id}':\n${lines.join('\n')}\n`,
  );
}

async function readStdin(signal: AbortSignal): Promise<string> {
  try {
    return await text(addAbortSignal(signal, process.stdin));
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure('ParamsInvalid', `The params file ${path} cannot be read.`, { cause });
  });
}
