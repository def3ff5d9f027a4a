import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../config/package.ts';

/** Compiled code is told by the source that it was made from, which comes with the package: both are of one version. */
const SOURCE_ROOT = join(PACKAGE_ROOT, 'src');

/** Everything that workflow code may import (the linter holds it to that). */
const FOLDERS = ['workflows', 'contracts'];

export const temporalSdkVersion = (): string =>
  (createRequire(import.meta.url)('@temporalio/workflow/package.json') as { readonly version: string }).version;

/**
 * Names what decides how workflows behave: their code, its spans included, and the SDK below it. Workers of one version can take over
 * each other's batches; activities, whether there is telemetry, and the place where the code lies do not count.
 */
export async function workflowVersion(): Promise<string> {
  const hash = createHash('sha256').update(temporalSdkVersion());
  for (const folder of FOLDERS) {
    const names = await readdir(join(SOURCE_ROOT, folder));
    for (const name of names.sort()) {
      hash.update(`\0${folder}/${name}\0`).update(await readFile(join(SOURCE_ROOT, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
