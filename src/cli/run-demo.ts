import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from '../client/connect.ts';
import { businessDateOf } from '../config/business-date.ts';
import { loadCampaign } from '../config/campaign.ts';
import { readEnvironment } from '../config/environment.ts';
import { CODE_EXTENSION } from '../config/package.ts';
import { loadSettings, type Settings } from '../config/settings.ts';
import type { BatchSummary } from '../contracts/batch.ts';
import { type BusinessDate, type CampaignId, workflowIds } from '../contracts/ids.ts';
import { ensureGeneratedWarehouse } from '../warehouse/generated/duckdb.ts';
import { WorkerSupervisor } from '../workers/supervisor.ts';
import { runBatch } from './run-batch.ts';
import { startServers } from './run-up.ts';
import { describeServers, serversText } from './servers.ts';

export interface DemoRequest {
  readonly campaign: CampaignId;
  readonly recipients: number;
  readonly workers: number;
  readonly json?: boolean;
}

const CANCEL_WITHIN_MS = 10_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Servers up, customers generated, workers supervised, the batch run to its end. The servers stay; the workers do not. */
export async function runDemo(request: DemoRequest, signal: AbortSignal): Promise<BatchSummary> {
  const environment = readEnvironment();
  await startServers(environment, 'detached', signal);
  process.stderr.write(serversText(await describeServers(environment)));
  const settings = await loadSettings();
  const { campaign: id } = request;
  const campaign = await loadCampaign(settings.root, id);
  const businessDate = businessDateOf(new Date(), campaign.schedule.timeZone);
  if (campaign.source.type === 'duckdb' && campaign.source.path === undefined) {
    await generateCustomers(settings, businessDate);
  }

  const logFile = join(settings.home, 'logs', 'worker.log');
  say(`Starting a worker with ${request.workers} browsers (log: ${logFile})`);
  const worker = await WorkerSupervisor.start(
    {
      command: workerCommand(request.workers),
      logFile,
      onRestart: (reason) =>
        say(`The worker ended (${reason}) and is started again; what it was rendering is retried.`),
    },
    signal,
  );
  try {
    const { recipients, json } = request;
    const summary = await Promise.race([
      runBatch(settings, { campaign: id, date: businessDate, recipients, json, takeOver: true }, signal),
      worker.lost,
    ]);
    if (summary === null) throw new Error('a batch that is followed has a summary');
    // With --json the summary is the last line, wherever the two streams go.
    if (json !== true) say('\nThe servers are still up, to look around; `nightreel down` ends them.');
    return summary;
  } catch (error) {
    if (signal.aborted) await cancelBatch(settings, id, businessDate);
    throw error;
  } finally {
    await worker[Symbol.asyncDispose]();
  }
}

async function generateCustomers(settings: Settings, businessDate: BusinessDate): Promise<void> {
  const asOf = new Date().toISOString();
  const { created, recipients, changed } = await ensureGeneratedWarehouse({
    path: settings.warehousePath,
    businessDate,
    asOf,
  });
  say(`${created ? 'Generated' : 'Found'} ${recipients} customers, ${changed} of them changed for ${businessDate}`);
}

/** This program once more, as a worker: started directly, so that no shell stands between it and its supervisor. */
const workerCommand = (workers: number): [string, ...string[]] => [
  process.execPath,
  ...process.execArgv,
  join(import.meta.dirname, `main${CODE_EXTENSION}`),
  'serve',
  '--workers',
  String(workers),
];

/** Cancels the batch and waits until the worker, which still runs, has ended it: the next demo starts a new one. */
async function cancelBatch(settings: Settings, campaign: CampaignId, businessDate: BusinessDate): Promise<void> {
  const client = await connectClient(settings.temporal);
  try {
    const handle = client.workflow.getHandle(workflowIds.batch(campaign, businessDate));
    await handle.cancel();
    await Promise.race([handle.result(), sleep(CANCEL_WITHIN_MS, undefined, { ref: false })]);
  } catch {
    // It was not started, or is over, or ends as cancelled: that is what was wanted.
  } finally {
    await client.connection.close();
  }
}
