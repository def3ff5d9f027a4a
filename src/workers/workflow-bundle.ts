import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

const SOURCE_ROOT = join(import.meta.dirname, '..');
/** Everything that workflow code may import (the linter holds it to that). */
const BUNDLED_FOLDERS = ['workflows', 'contracts'];

/**
 * The workflow code as one file, bundled once per version of the code and kept in `cacheFolder`: bundling takes seconds,
 * reading it back none. Two workers that start together write the same bytes.
 */
export async function workflowBundle(options: {
  readonly cacheFolder: string;
  readonly interceptorModules: readonly string[];
  readonly logger: Logger;
}): Promise<{ readonly codePath: string }> {
  const codePath = join(options.cacheFolder, `workflows-${await sourceDigest(options.interceptorModules)}.js`);
  const present = await readFile(codePath).then(
    () => true,
    () => false,
  );
  if (present) return { codePath };

  const { code } = await bundleWorkflowCode({
    workflowsPath: join(SOURCE_ROOT, 'workflows', 'index.ts'),
    workflowInterceptorModules: [...options.interceptorModules],
    logger: options.logger,
  });
  await mkdir(options.cacheFolder, { recursive: true });
  const unfinished = `${codePath}.${process.pid}`;
  await writeFile(unfinished, code);
  await rename(unfinished, codePath);
  return { codePath };
}

async function sourceDigest(interceptorModules: readonly string[]): Promise<string> {
  const { version } = createRequire(import.meta.url)('@temporalio/workflow/package.json') as { version: string };
  const hash = createHash('sha256').update(JSON.stringify([version, interceptorModules]));
  for (const folder of BUNDLED_FOLDERS) {
    const names = await readdir(join(SOURCE_ROOT, folder));
    for (const name of names.sort()) {
      hash.update(`\0${folder}/${name}\0`).update(await readFile(join(SOURCE_ROOT, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
