import { connectClient } from '../client/connect.ts';
import { runsOf, type TriedActivity, type VariantRun } from '../client/runs.ts';
import { workflowUrl } from '../client/web-ui.ts';
import type { Settings } from '../config/settings.ts';
import { asFailure } from '../contracts/failures.ts';
import { traceIdOf } from '../contracts/spans.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import { count, seconds, sizeText, utc, WHO_ACTS } from '../reporting/format.ts';
import { findPlanned, type Planned, type Reference } from '../reporting/why/find-planned.ts';
import { type CountedAttempts, explain, silentAttempts, type Why, type WhyAttempt } from '../reporting/why/why.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';
import { visible } from './visible.ts';

export interface WhyRequest {
  readonly reference: Reference;
  readonly json: boolean;
}

/** What Temporal says; `problem`: why it says nothing. */
export interface KnownRuns {
  readonly problem: string | null;
  readonly runs: readonly (VariantRun & {
    readonly url: string | null;
    /** Of its trace, where it was sampled. */
    readonly traceId: string;
    readonly traceUrl: string | null;
  })[];
}

type Links = Pick<Settings, 'traceUrl'>;

/** Collects what is known and returns what to print. */
export async function runWhy(settings: Settings, { reference, json }: WhyRequest): Promise<string> {
  const signal = onInterrupt('Stopped.');
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const deps = { store, manifests: new ManifestReader(store) };
  const planned = await findPlanned(deps, reference, signal);
  const [told, temporal] = await Promise.all([explain(deps, planned, signal), knownRuns(settings, planned)]);
  const why = { ...told, silent: silentAttempts(told.attempts, countedAttempts(temporal)) };
  if (!json) return visible(whyText(why, temporal, settings));
  const attempts = why.attempts.map((attempt) => ({ ...attempt, traceUrl: traceUrl(settings, attempt.traceId) }));
  return `${JSON.stringify({ ...why, attempts, temporal })}\n`;
}

const countedAttempts = ({ runs }: KnownRuns): CountedAttempts[] =>
  runs.flatMap(({ runId, activities }) =>
    activities.map(({ activity, failedAttempts }) => ({ runId, activity, failedAttempts })),
  );

/** A server that does not answer keeps nobody from what the bucket knows. */
async function knownRuns(settings: Settings, planned: Planned): Promise<KnownRuns> {
  const { temporal } = settings;
  try {
    const client = await connectClient(temporal);
    try {
      const runs = await runsOf(client, planned);
      const linked = runs.map((run) => {
        const traceId = traceIdOf(run.runId);
        return { ...run, url: workflowUrl(temporal, run.workflowId), traceId, traceUrl: traceUrl(settings, traceId) };
      });
      return { problem: null, runs: linked };
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    return { problem: asFailure(error).message, runs: [] };
  }
}

const traceUrl = ({ traceUrl: pattern }: Links, traceId: string | null): string | null =>
  pattern === null || traceId === null ? null : pattern.replaceAll('{traceId}', traceId);

type Row = readonly [title: string, text: string];

/** For people: what became of it and what to do, then each attempt, then where to look. */
export function whyText(why: Why, temporal: KnownRuns, links: Links): string {
  const { kind, key, batch, page, index, people, template, scene, rendition, advice, actor } = why;
  const shared = people === null ? '' : `, ${people} ${people === 1 ? 'person' : 'people'}`;
  const shows = kind === 'scene' ? `, ${scene === null ? 'its soundtrack' : `scene '${scene}'`}` : '';
  const rows: Row[] = [
    ['batch', `${batch}, page ${page}, line ${index + 1}${shared}`],
    ['template', `${template.id} ${template.digest.slice(0, 12)}${shows}, ${rendition}`],
    ['outcome', outcomeText(why)],
    ...measureRows(why),
    ...(advice === null || actor === null
      ? []
      : ([['what to do', `${advice} ${WHO_ACTS[actor as keyof typeof WHO_ACTS]}.`]] as const)),
  ];
  const more: Row[] = [
    ...why.silent.map(
      ({ activity, attempt }): Row => [
        'no word',
        `of attempt ${attempt} of ${activity}: its worker died, or could not reach the bucket`,
      ],
    ),
    ...why.unreadable.map((name): Row => ['unreadable', name]),
    ...why.damaged.map((sentence): Row => ['damaged', sentence]),
    ...temporalRows(temporal, why.silent),
    ...why.videos.map(
      ({ rendition: id, url, posterUrl }): Row => [
        'video',
        url === null ? `${id}: not stored` : `${id}: ${url}${posterUrl === null ? '' : `, ${posterUrl}`}`,
      ],
    ),
    ['reproduce', why.reproduce],
  ];
  return [
    `${kind === 'scene' ? 'Scene' : 'Variant'} ${key}`,
    ...rows.map(rowText),
    ...why.attempts.flatMap((attempt) => ['', ...attemptLines(attempt, links)]),
    '',
    ...more.map(rowText),
    '',
  ].join('\n');
}

const rowText = ([title, text]: Row): string => `  ${title.padEnd(10)} ${text}`;

function outcomeText({ kind, outcome, isClosed, attempts }: Why): string {
  if (outcome === null) {
    const failed = attempts.length === 0 ? '' : `; failed attempts so far: ${attempts.length}`;
    if (kind === 'scene') return `of a scene none is recorded${failed}`;
    return isClosed ? 'none: it was never started' : `none yet: the batch has not closed${failed}`;
  }
  if (outcome.outcome === 'failed') return `failed, ${outcome.failureClass}: ${outcome.message}`;
  const pointers = `${outcome.pointers} ${outcome.pointers === 1 ? 'pointer' : 'pointers'}`;
  return outcome.outcome === 'cached'
    ? `cached: its video was stored before, ${pointers}`
    : `rendered in ${seconds(outcome.renderMs)}, ${pointers}`;
}

/** Where the time of its render went, beside what is usual in its batch. */
function measureRows({ outcome }: Why): Row[] {
  if (outcome === null || outcome.outcome === 'failed') return [];
  const { measures } = outcome;
  if (measures === null) return outcome.outcome === 'cached' ? [] : [['stages', 'not measured']];
  const { stages, cpuMs, frames, bytes, endedAt } = measures;
  const timed = stages.map(({ stage, ms, usualMs }) => {
    return `${stage} ${seconds(ms)}${usualMs === null ? '' : ` (usually ${seconds(usualMs)})`}`;
  });
  return [
    ['stages', timed.join(', ')],
    ['processor', cpuMs === null ? 'not measured' : seconds(cpuMs)],
    ['made', `${count(frames)} frames, ${sizeText(bytes)}, ${utc(endedAt)}`],
  ];
}

function attemptLines(attempt: WhyAttempt, links: Links): string[] {
  const { activity, stage, lastFrame, frameCount, worker, engine, traceId } = attempt;
  const frame = lastFrame === null ? '' : ` after frame ${lastFrame} of ${frameCount}`;
  const link = traceUrl(links, traceId);
  const rows: Row[] = [
    ['message', `${attempt.failureClass}: ${attempt.message}`],
    ...attempt.causes.map((cause): Row => ['caused by', cause]),
    ...attempt.said
      .filter(({ text }) => !attempt.causes.includes(text))
      .map(({ level, text, place }): Row => [level, place === '' ? text : `${text} ${place}`]),
    [
      'worker',
      `${worker.identity}${engine === null ? '' : `, Chromium ${engine.chromium} (${engine.captureRoute}), ffmpeg ${engine.ffmpeg}`}`,
    ],
    ...(attempt.screenshotUrl === null ? [] : [['screenshot', attempt.screenshotUrl] as const]),
    ...(traceId === null ? [] : [['trace', link ?? traceId] as const]),
  ];
  const again = attempt.willRetry ? 'tried again' : 'not tried again';
  return [
    `  attempt ${attempt.attempt} of ${activity}, ${utc(attempt.at)}: failed at ${stage}${frame}, ${again}`,
    ...rows.map((row) => `  ${rowText(row)}`),
  ];
}

/** Of an attempt that wrote its line, that says it. */
function temporalRows({ problem, runs }: KnownRuns, silent: Why['silent']): Row[] {
  const isNew = ({ activity, attempt }: TriedActivity): boolean =>
    attempt > 1 || silent.some((one) => one.activity === activity && one.attempt === attempt);
  if (problem !== null) return [['temporal', problem]];
  if (runs.length === 0) return [['temporal', 'it knows nothing of it (any more)']];
  return runs.flatMap(({ workflowId, status, activities, url, traceUrl: trace }): Row[] => [
    ['temporal', `${status.toLowerCase()}, ${url ?? workflowId}`],
    ...activities.filter(isNew).map((activity): Row => ['', triedText(activity)]),
    ...(trace === null ? [] : [['trace', trace] as const]),
  ]);
}

function triedText({ activity, attempt, state, lastFailure, failure }: TriedActivity): string {
  const is = state === 'over' ? 'ended with' : state === 'running' ? 'at' : 'waits for';
  const failed = failure === null ? '' : `, which failed: ${failure}`;
  return `${activity}: ${is} attempt ${attempt}${failed}${lastFailure === null ? '' : `; before that: ${lastFailure}`}`;
}
