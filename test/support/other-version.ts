/**
 * A worker of another version of the workflow code, in which a batch asks twice for the engine: as after a change that nobody guarded.
 * Run as a program: HOST:PORT BUILD-ID CACHE-FOLDER.
 */

import { readFile } from 'node:fs/promises';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { deploymentVersion } from '../../src/client/deployment.ts';
import { workflowBundle } from '../../src/workers/workflow-bundle.ts';

const [address, buildId, cacheFolder] = process.argv.slice(2);
if (address === undefined || buildId === undefined || cacheFolder === undefined) {
  throw new TypeError('usage: other-version.ts HOST:PORT BUILD-ID CACHE-FOLDER');
}
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const { codePath } = await workflowBundle({ cacheFolder, interceptorModules: [], logger });
const code = await readFile(codePath, 'utf8');
const changed = code.replace(
  /fingerprint = (await [\w.]+\(\(\) ?=> ?[\w.]+\.describeEngine\(\)\));/,
  'fingerprint = ($1, $1);',
);
if (changed === code) throw new Error('the code is not what this program changes');

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'orchestrator',
  workflowBundle: { code: changed },
  workerDeploymentOptions: {
    version: deploymentVersion(buildId),
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  },
});
process.once('SIGTERM', () => worker.shutdown());
process.once('disconnect', () => process.exit(1));
await worker.run();
process.exit(0);
