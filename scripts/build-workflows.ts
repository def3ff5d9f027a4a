/** Bundles the workflow code beforehand, with telemetry and encryption and without: `npm run build:workflows`. */

import { DefaultLogger } from '@temporalio/worker';
import { ENCODED_FAILURES } from '../src/encryption/data-converter.ts';
import { workflowInterceptorModules } from '../src/telemetry/otlp.ts';
import { prebuildWorkflows } from '../src/workers/workflow-bundle.ts';

const logger = new DefaultLogger('WARN');
const variants = [[], workflowInterceptorModules()].flatMap((interceptorModules) =>
  [undefined, ENCODED_FAILURES].map((failureConverterPath) => ({ interceptorModules, failureConverterPath, logger })),
);
for (const path of await prebuildWorkflows(variants)) process.stdout.write(`${path}\n`);
