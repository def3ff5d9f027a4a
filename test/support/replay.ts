/** Replays the closed workflows of a server against today's workflow code; prints what failed. Run as a program: HOST:PORT [FILE-OF-KEYS]. */

import { resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readPayloadKeys } from '../../src/config/payload-keys.ts';
import { dataConverterOf } from '../../src/encryption/data-converter.ts';
import { RunningBatches } from '../../src/telemetry/running-batches.ts';
import { batchSinks } from '../../src/telemetry/sinks.ts';

const [address, keysFile] = process.argv.slice(2);
if (address === undefined) throw new TypeError('usage: replay.ts HOST:PORT [FILE-OF-KEYS]');
Runtime.install({ logger: new DefaultLogger('ERROR') });
const client = new Client({ connection: await Connection.connect({ address }) });

const dataConverter = dataConverterOf(await readPayloadKeys({ NIGHTREEL_PAYLOAD_KEYS_FILE: keysFile }));
const workflowsPath = resolve(import.meta.dirname, '../../src/workflows/index.ts');
const closed = client.workflow.list({ query: "ExecutionStatus != 'Running'" }).intoHistories();
const sinks = batchSinks(new RunningBatches());
const failed: string[] = [];
let replayed = 0;
for await (const { workflowId, error } of Worker.runReplayHistories({ workflowsPath, dataConverter, sinks }, closed)) {
  replayed += 1;
  if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
}
process.stdout.write(JSON.stringify({ replayed, failed }));
process.exit(0);
