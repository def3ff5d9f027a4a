/** Bundles the workflow code as `npm run build:workflows` and workers do, in a folder of the test's own. Run as a program: FOLDER. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { prebuildWorkflows, workflowBundle } from '../../src/workers/workflow-bundle.ts';

const folder = process.argv[2];
if (folder === undefined) throw new TypeError('usage: bundle.ts FOLDER');
const said: string[] = [];
const logger = new DefaultLogger('INFO', ({ message }) => said.push(message));
const options = { interceptorModules: [], logger };
const places = { prebuiltFolder: join(folder, 'prebuilt'), cacheFolder: join(folder, 'cache') };

/** What a worker that starts now reads, and whether it had to bundle. */
async function started() {
  said.length = 0;
  const { codePath } = await workflowBundle({ ...options, ...places });
  return { codePath, bundled: said.length > 0 };
}

const before = [await started(), await started()];
await mkdir(places.prebuiltFolder);
// As a version before this one left it.
await writeFile(join(places.prebuiltFolder, '0123456789abcdef.js'), '');
const built = await prebuildWorkflows([options], places.prebuiltFolder);
process.stdout.write(JSON.stringify({ before, built, after: await started() }));
process.exit(0);
