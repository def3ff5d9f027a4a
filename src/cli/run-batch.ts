import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { type StartInput, startBatch } from '../client/batches.ts';
import { connectTraced } from '../client/traced.ts';
import { workflowUrl } from '../client/web-ui.ts';
import { businessDateOf } from '../config/business-date.ts';
import { loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import type { BatchSummary } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { type BusinessDate, type CampaignId, workflowIds } from '../contracts/ids.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { putInput } from '../storage/inputs.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { followBatch, printSummary } from './follow.ts';

export interface RunRequest {
  readonly campaign: CampaignId;
  readonly date?: BusinessDate;
  readonly recipients?: number;
  readonly csv?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
  /** Replaces a batch of this date that runs for other recipients, instead of refusing. */
  readonly takeOver?: boolean;
}

/** Starts the batch, follows it, prints how it went. Null when it was only started. */
export async function runBatch(
  settings: Settings,
  request: RunRequest,
  signal: AbortSignal,
): Promise<BatchSummary | null> {
  const campaign = await loadCampaign(settings.root, request.campaign);
  const store = new ObjectStore(settings.s3);
  await using connected = await connectTraced(settings);
  const { client } = connected;
  try {
    await store.checkBucket();
    const csvKey = request.csv === undefined ? undefined : await uploadCsv(store, request.csv, signal);
    const date = request.date ?? businessDateOf(new Date(), campaign.schedule.timeZone);
    const input = { campaign: campaign.id, businessDate: date, recipientLimit: request.recipients, csvKey };
    const ui = workflowUrl(settings.temporal, workflowIds.batch(campaign.id, date));
    if (request.detach === true) {
      await startBatch(client, input);
      say(`Started: ${ui ?? workflowIds.batch(campaign.id, date)}`);
      return null;
    }
    const summary = await startAndFollow(client, settings, input, signal, request.takeOver === true).catch(
      (error: unknown) => {
        throw asCsvFailure(error, request.csv, csvKey);
      },
    );
    await printSummary(store, summary, { json: request.json === true, workflow: ui });
    return summary;
  } finally {
    store.close();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Follows the batch of this date that runs already, else a new one. One that was being cancelled is not waited for: it is replaced. */
async function startAndFollow(
  client: Client,
  settings: Settings,
  input: StartInput,
  signal: AbortSignal,
  takeOver: boolean,
): Promise<BatchSummary> {
  const { handle, attached } = await startBatch(client, input, { takeOver });
  say(
    `${attached ? 'Following the batch that already runs' : 'Started'}: ${workflowUrl(settings.temporal, handle.workflowId) ?? handle.workflowId}`,
  );
  if (await nobodyServes(client, settings.temporal.namespace)) {
    say('No worker is listening yet: start one with `nightreel serve`. Waiting.');
  }
  try {
    return await followBatch(client, handle, signal);
  } catch (error) {
    if (!attached || signal.aborted || !(error instanceof Failure && error.failureClass === 'Cancelled')) throw error;
    say('That batch had been cancelled; starting it anew.');
    return await startAndFollow(client, settings, input, signal, takeOver);
  }
}

/** A file that somebody just named is told by that name, and as their input. */
function asCsvFailure(error: unknown, path: string | undefined, csvKey: string | undefined): unknown {
  const isTheirs = error instanceof Failure && error.failureClass === 'WarehouseDenied';
  if (!isTheirs || path === undefined || csvKey === undefined) return error;
  return new Failure('CampaignInvalid', error.message.replaceAll(csvKey, path), { cause: error });
}

async function uploadCsv(store: ObjectStore, path: string, signal: AbortSignal): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw new Failure('CampaignInvalid', `There is no file ${path} to read recipients from.`, { cause: error });
  });
  if (!info.isFile()) throw new Failure('CampaignInvalid', `${path} is not a file.`);
  return await putInput(store, () => createReadStream(path), signal);
}

/** True when no worker polls the orchestrator queue: the batch would wait without a word. */
async function nobodyServes(client: Client, namespace: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: TASK_QUEUES.orchestrator },
    taskQueueType: 1,
  });
  return (pollers ?? []).length === 0;
}
