import type { BatchEvent } from '../../contracts/alarms.ts';
import { Failure } from '../../contracts/failures.ts';
import { type BatchRef, objectKeys } from '../../contracts/ids.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Alarm, eventAlarm, type Links, nightAlarm, type OpenNight } from './alarm.ts';
import { alarmMessage } from './alarm-slack.ts';
import { markTold, wasTold } from './outbox.ts';
import { LIMIT_MS, logPosted, type PostDeps, type Posted, type PostRequest, postTo } from './post-digest.ts';

export interface AlarmDeps extends PostDeps {
  readonly links: Links;
  readonly log: Logger;
  /** So long a try takes at most; by default as long as a digest's. */
  readonly limitMs?: number;
}

/** The run of a batch that tells something. */
export interface Teller {
  readonly workflowId: string;
  readonly runId: string;
}

/** Posts what a running batch tells, once, or logs it where there is no webhook. Throws where the store does not answer. */
export async function announceEvent(
  deps: AlarmDeps,
  batch: BatchRef,
  event: BatchEvent,
  { workflowId, runId }: Teller,
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  const alarm = eventAlarm(batch, event, workflowId, deps.links);
  // A run that was reset in the middle counts on from there: what it tells is its own.
  const id = `${event.number}-${runId.slice(0, 8)}`;
  return await post(deps, alarm, (channel) => objectKeys.event(batch, event.kind, id, channel), signal);
}

/** The same of a night that has no report in the morning: once, whatever becomes of it. */
export async function announceNight(
  deps: AlarmDeps,
  night: OpenNight,
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  const alarm = nightAlarm(night, new Date(deps.now()).toISOString(), deps.links);
  const { campaign, businessDate } = night;
  return await post(deps, alarm, (channel) => objectKeys.watch(campaign, businessDate, channel), signal);
}

async function post(
  deps: AlarmDeps,
  alarm: Alarm,
  keyOf: PostRequest['keyOf'],
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  const { limitMs = LIMIT_MS } = deps;
  const limit = AbortSignal.timeout(limitMs);
  const limited = AbortSignal.any([signal, limit]);
  const message = { own: alarm, slack: alarmMessage(alarm) };
  const posted = await postTo(deps, { message, keyOf, again: false }, limited).catch((error: unknown) => {
    // Nobody has cancelled it: it is worth another try, and Cancelled is not.
    if (!limit.aborted || signal.aborted) throw error;
    const what = `The store did not answer within ${limitMs / 1000} s, while ‘${alarm.kind}’ of ${alarm.campaign} was to be told.`;
    throw new Failure('StorageUnavailable', `${what} It is tried again.`, { cause: error });
  });
  if (posted.length === 0) {
    deps.log.warn({ alarm }, alarm.text);
    await markTold(deps, keyOf('log'), signal);
  }
  logPosted(deps.log, { kind: alarm.kind, batch: alarm.batchId, campaign: alarm.campaign }, posted);
  return posted;
}

/** Whether the batch has told by itself that it is late, and somebody has it: a webhook, or the log where there is none. */
export async function hasToldLate(store: ObjectStore, batch: BatchRef, signal: AbortSignal): Promise<boolean> {
  for await (const { key } of store.list(objectKeys.events(batch, 'late'), signal)) {
    if (await wasTold(store, key, signal)) return true;
  }
  return false;
}
