import { connectClient } from '../client/connect.ts';
import { runsOf, type VariantRun } from '../client/runs.ts';
import { workflowUrl } from '../client/web-ui.ts';
import type { Settings } from '../config/settings.ts';
import { asFailure } from '../contracts/failures.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import { utc, WHO_ACTS } from '../reporting/format.ts';
import { findPlanned, type Planned, type Reference } from '../reporting/why/find-planned.ts';
import { explain, type Why, type WhyAttempt } from '../reporting/why/why.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';

export interface WhyRequest {
  readonly reference: Reference;
  readonly json: boolean;
}

/** What Temporal says; `problem`: why it says nothing. */
export interface KnownRuns {
  readonly problem: string | null;
  readonly runs: readonly (VariantRun & { readonly url: string | null })[];
}

type Links = Pick<Settings, 'traceUrl'>;

/** Collects what is known and returns what to print. */
export async function runWhy(settings: Settings, { reference, json }: WhyRequest): Promise<string> {
  const signal = onInterrupt('Stopped.');
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const deps = { store, manifests: new ManifestReader(store) };
  const planned = await findPlanned(deps, reference, signal);
  const [why, temporal] = await Promise.all([explain(deps, planned, signal), knownRuns(settings, planned)]);
  if (!json) return whyText(why, temporal, settings);
  const attempts = why.attempts.map((attempt) => ({ ...attempt, traceUrl: traceUrl(settings, attempt.traceId) }));
  return `${JSON.stringify({ ...why, attempts, temporal })}\n`;
}

/** A server that does not answer keeps nobody from what the bucket knows. */
async function knownRuns({ temporal }: Settings, planned: Planned): Promise<KnownRuns> {
  try {
    const client = await connectClient(temporal);
    try {
      const runs = await runsOf(client, planned);
      return { problem: null, runs: runs.map((run) => ({ ...run, url: workflowUrl(temporal, run.workflowId) })) };
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
    ...temporalRows(temporal),
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
  return `${outcome.outcome}, ${outcome.pointers} pointers`;
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

function temporalRows({ problem, runs }: KnownRuns): Row[] {
  if (problem !== null) return [['temporal', problem]];
  if (runs.length === 0) return [['temporal', 'it knows nothing of it (any more)']];
  return runs.flatMap(({ workflowId, status, activities, url }): Row[] => [
    ['temporal', `${status.toLowerCase()}, ${url ?? workflowId}`],
    ...activities.map(
      ({ activity, attempt, state, lastFailure }): Row => [
        '',
        `${activity}: ${state === 'over' ? 'ended with' : state === 'running' ? 'at' : 'waits for'} attempt ${attempt}${lastFailure === null ? '' : `; before that: ${lastFailure}`}`,
      ],
    ),
  ]);
}
