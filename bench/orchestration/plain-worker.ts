/** A worker of the plain children. Run as a program: HOST:PORT NAMESPACE. */

import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { PLAIN_QUEUE } from './plain-children.ts';
import { connectWorker, runUntilTold } from './worker-program.ts';

const { connection, namespace } = await connectWorker();
const workflowsPath = join(import.meta.dirname, 'plain-workflows.ts');
await runUntilTold(await Worker.create({ connection, namespace, taskQueue: PLAIN_QUEUE, workflowsPath }));
