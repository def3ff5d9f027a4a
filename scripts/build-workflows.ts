/** Bundles the workflow code beforehand, with telemetry and without: `npm run build:workflows`. */

import { DefaultLogger } from '@temporalio/worker';
import { workflowInterceptorModules } from '../src/telemetry/otlp.ts';
import { prebuildWorkflows } from '../src/workers/workflow-bundle.ts';

const logger = new DefaultLogger('WARN');
const variants = [[], workflowInterceptorModules()].map((interceptorModules) => ({ interceptorModules, logger }));
for (const path of await prebuildWorkflows(variants)) process.stdout.write(`${path}\n`);
