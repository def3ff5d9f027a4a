/**
 * Templates as they were planned, one object each under the digest of the template: a batch goes on with the template
 * that it began with, whatever becomes of the folder meanwhile.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { objectKeys } from '../contracts/ids.ts';
import { digestOf } from '../templates/files.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import { readTemplateFile, TEMPLATE_FILE } from '../templates/template-file.ts';
import type { ObjectStore } from './object-store.ts';

const pinSchema = z.strictObject({
  template: z.record(z.string(), z.unknown()),
  files: z.array(z.strictObject({ path: z.string().min(1), base64: z.base64() })),
});

/**
 * Writes the template's files as one object that never changes: canonical JSON, so the same files give the same bytes.
 * Failure `TemplateChanged` when what describes the template is no longer what `template` was read with.
 */
export async function pinTemplate(
  store: ObjectStore,
  template: Template,
  signal?: AbortSignal,
): Promise<'stored' | 'exists'> {
  const { file, path } = await readTemplateFile(template.folder);
  if (digestOf(file, template.files) !== template.digest) {
    throw new Failure('TemplateChanged', `${path} was edited while the batch was being planned. Run the night again.`);
  }
  const files = [...template.files].map(([path, bytes]) => ({ path, base64: Buffer.from(bytes).toString('base64') }));
  const pin = canonicalize({ template: file, files }) ?? '';
  return await store.putImmutable(
    objectKeys.pinnedTemplate(template.digest),
    pin,
    { contentType: 'application/json' },
    signal,
  );
}

/**
 * Unpacks the pinned template with this digest into a new folder inside `folder` and loads it from there; null when none
 * is pinned. Failure `StorageDenied` when what is stored is not that template: nothing of it is left on disk then.
 */
export async function fetchPinnedTemplate(
  store: ObjectStore,
  digest: string,
  folder: string,
  signal?: AbortSignal,
): Promise<Template | null> {
  const key = objectKeys.pinnedTemplate(digest);
  const text = await store.getText(key, signal);
  if (text === null) return null;
  const wrong = (what: string, cause?: unknown) =>
    new Failure(
      'StorageDenied',
      `${key} ${what}: it was damaged, or something else wrote it. Delete it and run the night again.`,
      { cause },
    );

  const pin = parsePin(text);
  if (!pin.success) throw wrong('is no pinned template', pin.error);
  const { template, files } = pin.data;
  const own = await mkdtemp(join(folder, `${digest.slice(0, 12)}-`));
  try {
    const astray = files.find(({ path }) => !staysInside(own, path));
    if (astray !== undefined) throw wrong('names a file outside its folder');
    await writeFile(join(own, TEMPLATE_FILE), JSON.stringify(template), { flag: 'wx' });
    for (const { path, base64 } of files) {
      const target = join(own, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, Buffer.from(base64, 'base64'), { flag: 'wx', signal });
    }
    const loaded = await loadTemplate(own).catch((error: unknown) => {
      throw wrong('is a template that cannot be loaded', error);
    });
    if (loaded.digest !== digest) throw wrong(`holds another template (${loaded.digest.slice(0, 12)})`);
    return loaded;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    throw error;
  }
}

function parsePin(text: string): ReturnType<typeof pinSchema.safeParse> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Cut off in the middle: no shape at all, which is what the schema then says.
  }
  return pinSchema.safeParse(json);
}

/** Whether a path is plain: relative, with no `..`, no `.` and no doubled slash in it. */
const staysInside = (folder: string, path: string): boolean => {
  const within = relative(folder, resolve(folder, path)).split(sep).join('/');
  return within === path && within !== '..' && !within.startsWith('../');
};
