import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';
import { CODE_EXTENSION, PACKAGE_ROOT } from '../config/package.ts';
import { workflowVersion } from './workflow-version.ts';

/** Where `npm run build:workflows` puts the bundles. */
const PREBUILT = join(PACKAGE_ROOT, 'dist', 'workflows');

export interface BundleOptions {
  readonly interceptorModules: readonly string[];
  /** Of a worker that encrypts. */
  readonly failureConverterPath?: string | undefined;
  readonly logger: Logger;
}

/** Code that traces itself, or encodes its failures, is another file, and the same version. */
const fileName = (version: string, { interceptorModules, failureConverterPath }: BundleOptions): string =>
  `${version}${interceptorModules.length > 0 ? '-traced' : ''}${failureConverterPath ? '-encoded' : ''}.js`;

/**
 * The workflow code as one file: the prebuilt one, else one that is bundled now and kept in `cacheFolder` for as long as the code
 * stays as it is. Bundling takes seconds, reading it back none.
 */
export async function workflowBundle(
  options: BundleOptions & { readonly cacheFolder: string; readonly prebuiltFolder?: string },
): Promise<{ readonly codePath: string }> {
  const { cacheFolder, prebuiltFolder = PREBUILT } = options;
  const name = fileName(await workflowVersion(), options);
  for (const codePath of [join(prebuiltFolder, name), join(cacheFolder, `workflows-${name}`)]) {
    if (await isThere(codePath)) return { codePath };
  }
  const codePath = join(cacheFolder, `workflows-${name}`);
  options.logger.info('The workflow code is being bundled; `npm run build:workflows` does it beforehand', { codePath });
  await writeBundle(codePath, options);
  return { codePath };
}

/** Bundles the code beforehand, for whoever starts a worker from these files; bundles of other code go. Returns the files. */
export async function prebuildWorkflows(
  variants: readonly BundleOptions[],
  folder: string = PREBUILT,
): Promise<readonly string[]> {
  const version = await workflowVersion();
  const paths: string[] = [];
  for (const options of variants) {
    const codePath = join(folder, fileName(version, options));
    await writeBundle(codePath, options);
    paths.push(codePath);
  }
  const others = (await readdir(folder)).filter((name) => !name.startsWith(version));
  for (const name of others) await rm(join(folder, name));
  return paths;
}

/** Whole or not at all: two workers that start together write the same bytes. */
async function writeBundle(
  codePath: string,
  { interceptorModules, failureConverterPath, logger }: BundleOptions,
): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, `../workflows/index${CODE_EXTENSION}`),
    workflowInterceptorModules: [...interceptorModules],
    ...(failureConverterPath && { failureConverterPath }),
    logger,
  });
  await mkdir(join(codePath, '..'), { recursive: true });
  const unfinished = `${codePath}.${process.pid}`;
  await writeFile(unfinished, withoutPlace(code));
  await rename(unfinished, codePath);
}

/** Its source map, which stack traces are told by, names files by their place on this machine; in a package that would go to others. */
const withoutPlace = (code: string): string =>
  code.replaceAll(/(sourceMappingURL=data:[^,]*;base64,)([\w+/=]+)/g, (_, head: string, map: string) => {
    const text = Buffer.from(map, 'base64').toString('utf8').replaceAll(`${PACKAGE_ROOT}/`, '');
    return `${head}${Buffer.from(text).toString('base64')}`;
  });

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
