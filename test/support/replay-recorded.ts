/**
 * Replays what is kept in test/histories against today's workflow code, and then against code that was altered, one workflow at a time:
 * that must be noticed. Prints what came out. Run as a program: jest cannot load the worker.
 */

import { resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowInterceptorModules } from '../../src/telemetry/otlp.ts';
import { RunningBatches } from '../../src/telemetry/running-batches.ts';
import { batchSinks } from '../../src/telemetry/sinks.ts';
import { type RecordedHistory, readRecordings, textOf } from './histories.ts';
import { historyFromJson } from './history-json.ts';

/** Per workflow: the first activity that it asks for, under another name. */
const ALTERATIONS = {
  nightlyBatch: 'planBatch',
  variantLane: 'readManifestPage',
  sceneLane: 'readScenePage',
  renderVariant: 'publishPointers',
  renderScene: 'renderScene',
  backfillVariants: 'listFailed',
  watchNight: 'lookForNight',
};

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
const bundle = async (modules: string[]): Promise<string> => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
    workflowInterceptorModules: modules,
    logger: new DefaultLogger('ERROR'),
  });
  return code;
};
const code = await bundle([]);
const traced = await bundle(workflowInterceptorModules());

/** Tonight's batch runs here, of a campaign whose old nights are replayed. */
const running = new RunningBatches();
const sinks = batchSinks(running);

interface Replayed {
  readonly workflowId: string;
  readonly error: string | null;
}

async function replay(workflows: string, histories: readonly RecordedHistory[]): Promise<Replayed[]> {
  const results: Replayed[] = [];
  const decoded = histories.map(({ workflowId, runId, history }) => ({
    workflowId,
    history: historyFromJson(withRunId(history, runId)),
  }));
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { code: workflows }, sinks },
    decoded,
  )) {
    results.push({ workflowId, error: error === undefined ? null : `${error.name}: ${error.message}` });
  }
  return results;
}

/** Replaying takes a run's ID from its first event, where one that was reset has that of the run before. */
function withRunId({ events }: RecordedHistory['history'], runId: string): RecordedHistory['history'] {
  const [first, ...rest] = events;
  if (first === undefined) throw new Error('a history without events');
  const name = 'workflowExecutionStartedEventAttributes';
  return { events: [{ ...first, [name]: { ...(first[name] as object), originalExecutionRunId: runId } }, ...rest] };
}

function altered(activity: string): string {
  const changed = code.replaceAll(`.${activity}(`, `.${activity}Anew(`);
  if (changed === code) throw new Error(`no workflow calls ${activity}`);
  return changed;
}

const histories = (await readRecordings()).flatMap((recording) => recording.histories);
const tonight = { campaign: 'card', batchId: 'card/2099-01-01/1', settled: 1, variants: 2 };
running.progress({ ...tonight, expectedEndMs: null, deadlineMs: null }, Date.now());
const replayed = await replay(code, histories);
const told = running.figures();
const replayedTraced = await replay(traced, histories);
const noticed: Record<string, string | null> = {};
for (const [type, activity] of Object.entries(ALTERATIONS)) {
  const done = histories.find((one) => one.type === type && textOf(one).includes(`"${activity}"`));
  if (done === undefined) throw new Error(`no history of a ${type} that calls ${activity}`);
  noticed[type] = (await replay(altered(activity), [done]))[0]?.error ?? null;
}
process.stdout.write(`\n${JSON.stringify({ replayed, replayedTraced, noticed, told })}\n`);
process.exit(0);
