/**
 * Replays what is kept in test/histories against today's workflow code, and then against code that was altered, one workflow at a time:
 * that must be noticed. Prints what came out. Run as a program: jest cannot load the worker.
 */

import { resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { type RecordedHistory, readRecordings } from './histories.ts';
import { historyFromJson } from './history-json.ts';

/** Per workflow: the first activity that it asks for, under another name. */
const ALTERATIONS = {
  nightlyBatch: 'planBatch',
  variantLane: 'readManifestPage',
  sceneLane: 'readScenePage',
  renderVariant: 'publishPointers',
  renderScene: 'renderScene',
  backfillVariants: 'listFailed',
};

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
const { code } = await bundleWorkflowCode({
  workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
  logger: new DefaultLogger('ERROR'),
});

interface Replayed {
  readonly workflowId: string;
  readonly error: string | null;
}

async function replay(workflows: string, histories: readonly RecordedHistory[]): Promise<Replayed[]> {
  const results: Replayed[] = [];
  const decoded = histories.map(({ workflowId, history }) => ({ workflowId, history: historyFromJson(history) }));
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { code: workflows } },
    decoded,
  )) {
    results.push({ workflowId, error: error === undefined ? null : `${error.name}: ${error.message}` });
  }
  return results;
}

function altered(activity: string): string {
  const changed = code.replaceAll(`.${activity}(`, `.${activity}Anew(`);
  if (changed === code) throw new Error(`no workflow calls ${activity}`);
  return changed;
}

const recordings = await readRecordings();
const replayed: (Replayed & { readonly recording: string })[] = [];
for (const { label, night, histories } of recordings) {
  for (const result of await replay(code, histories)) replayed.push({ recording: `${label}/${night}`, ...result });
}
const noticed: Record<string, string | null> = {};
for (const [type, activity] of Object.entries(ALTERATIONS)) {
  const done = recordings
    .flatMap(({ histories }) => histories)
    .find((one) => one.type === type && one.status === 'COMPLETED');
  if (done === undefined) throw new Error(`no history of ${type}`);
  noticed[type] = (await replay(altered(activity), [done]))[0]?.error ?? null;
}
process.stdout.write(JSON.stringify({ replayed, noticed }));
process.exit(0);
