/** What nothing in the bucket refers to any more: told, and removed when it has been so for long enough. */

import pMap from 'p-map';
import { isSceneKey, isVariantKey } from '../contracts/ids.ts';
import type { ListedObject, ObjectStore } from '../storage/object-store.ts';
import { References } from './references.ts';

/** Rounds at a time: what is in memory of the listing is so many 256ths. */
const ROUNDS = 4;
/** DELETE requests at a time, in each. */
const CONCURRENCY = 8;
/** Objects removed between two looks at which nights have begun: a second's worth. */
const AT_A_TIME = 250;
const DAY_MS = 86_400_000;
const PREFIXES = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

export const GARBAGE_KINDS = ['videos', 'posters', 'scenes', 'templates', 'lists', 'ledgers', 'screenshots'] as const;
export type GarbageKind = (typeof GARBAGE_KINDS)[number];

/** A run of a batch that goes on now. */
export interface RunningNight {
  readonly workflowId: string;
  readonly runId: string;
}

export interface GarbageRequest {
  readonly pointerPatterns: readonly string[];
  /** What was written in the last so many days stays, whoever refers to it. */
  readonly olderThanDays: number;
  /** Batches that were written to in the last so many days keep what they refer to. */
  readonly keepBatchesDays: number;
  /** Null: nothing is removed. Else it tells which batches run, asked before every removal. */
  readonly runningNights: (() => Promise<readonly RunningNight[]>) | null;
  readonly nowMs: number;
}

export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

/** Of one kind: all that is there; what nothing refers to, of which some is too young to go; what was removed. */
export type GarbageOfKind = Readonly<Record<'there' | 'unused' | 'young' | 'removed', Amount>>;

export interface Garbage {
  readonly kinds: Readonly<Record<GarbageKind, GarbageOfKind>>;
  readonly pointers: number;
  readonly keptBatches: number;
  readonly pastBatches: number;
  /** Kept batches whose scenes cannot be told, so that all scenes stay; mostly none. */
  readonly unknownScenes: readonly string[];
  /** Batches that are being planned: the removal stopped for them. Mostly none. */
  readonly heldBy: readonly string[];
}

export type OnProgress = (what: string, count: number) => void;

export async function collectGarbage(
  store: ObjectStore,
  { pointerPatterns, olderThanDays, keepBatchesDays, runningNights, nowMs }: GarbageRequest,
  signal: AbortSignal,
  onProgress: OnProgress = () => undefined,
): Promise<Garbage> {
  const keptSinceMs = nowMs - keepBatchesDays * DAY_MS;
  await using references = await References.collect(store, { keptSinceMs, pointerPatterns, onProgress }, signal);
  const tally = new Tally();
  let heldBy: readonly string[] = [];

  /** One round: a folder's objects are listed, and those that are garbage removed, before the next is looked at. */
  const sweep = async (prefix: string): Promise<void> => {
    const candidates: Candidate[] = [];
    for await (const object of store.list(prefix, signal)) {
      const kind = kindOf(object.key);
      if (kind === null) continue;
      tally.add(kind, 'there', object);
      if (isReferredTo(references, kind, object.key)) continue;
      tally.add(kind, 'unused', object);
      if (object.modifiedMs > nowMs - olderThanDays * DAY_MS) tally.add(kind, 'young', object);
      else candidates.push({ kind, object });
    }
    if (runningNights === null) return;
    // Videos first: one without a poster would be found, a poster without a video is not.
    candidates.sort((a, b) => Number(a.kind === 'posters') - Number(b.kind === 'posters'));
    for (let first = 0; first < candidates.length && heldBy.length === 0; first += AT_A_TIME) {
      heldBy = await unplanned(references, runningNights, signal);
      if (heldBy.length > 0) return;
      await pMap(
        candidates.slice(first, first + AT_A_TIME),
        async ({ kind, object }) => {
          if (isReferredTo(references, kind, object.key)) return;
          await store.remove(object.key, signal);
          tally.add(kind, 'removed', object);
        },
        { concurrency: CONCURRENCY, signal },
      );
    }
  };

  let looked = 0;
  await pMap(
    PREFIXES,
    async (hex) => {
      await sweep(`videos/${hex}/`);
      await sweep(`scenes/${hex}/`);
      looked += 1;
      onProgress('of 256 prefixes of videos and scenes looked through', looked);
    },
    { concurrency: ROUNDS, signal },
  );
  for (const prefix of ['templates/', 'inputs/', 'state/ledgers/', 'batches/']) await sweep(prefix);
  return {
    kinds: tally.kinds,
    pointers: references.pointers,
    keptBatches: references.keptBatches,
    pastBatches: references.pastBatches,
    unknownScenes: [...references.batchesOfUnknownScenes],
    heldBy,
  };
}

interface Candidate {
  readonly kind: GarbageKind;
  readonly object: ListedObject;
}

/**
 * A night finds an old video stored some moments before its plan says so: while one is being planned, nothing may go. A night whose
 * plan was not there when the batches were read is read now. Returns the workflows of those that are still without one.
 */
async function unplanned(
  references: References,
  runningNights: () => Promise<readonly RunningNight[]>,
  signal: AbortSignal,
): Promise<string[]> {
  const running = await runningNights();
  const missing = (): readonly RunningNight[] => running.filter(({ runId }) => !references.plannedRuns.has(runId));
  if (missing().length === 0) return [];
  await references.readBatches(signal);
  return missing().map(({ workflowId }) => workflowId);
}

function kindOf(key: string): GarbageKind | null {
  const [, video = '', type] = /^videos\/..\/(.*)\.(mp4|jpg)$/.exec(key) ?? [];
  if (isVariantKey(video)) return type === 'mp4' ? 'videos' : 'posters';
  if (isSceneKey(sceneOf(key))) return 'scenes';
  if (/^templates\/[0-9a-f]{64}$/.test(key)) return 'templates';
  if (/^inputs\/[0-9a-f]{64}\.(csv|keys)$/.test(key)) return 'lists';
  if (SCREENSHOT.test(key)) return 'screenshots';
  return /^state\/ledgers\/.+\.jsonl\.gz$/.test(key) ? 'ledgers' : null;
}

/** Of a failed attempt. The batch's ID is the first group. */
const SCREENSHOT = /^batches\/([^/]+\/[^/]+\/[^/]+)\/failures\/(?:scenes\/)?[0-9a-f]{64}\/[^/]+\.jpg$/;

const sceneOf = (key: string): string => /^scenes\/..\/(.*)\.clip$/.exec(key)?.[1] ?? '';

function isReferredTo(references: References, kind: GarbageKind, key: string): boolean {
  switch (kind) {
    case 'videos':
    case 'posters':
      return references.videos.get(key.slice('videos/00/'.length, -'.mp4'.length)) !== undefined;
    case 'scenes':
      return references.batchesOfUnknownScenes.size > 0 || references.scenes.get(sceneOf(key)) !== undefined;
    case 'templates':
      return references.templates.has(key.slice('templates/'.length));
    case 'lists':
      return references.lists.has(key);
    case 'ledgers':
      return references.ledgers.has(key);
    case 'screenshots':
      return references.keptBatchIds.has(SCREENSHOT.exec(key)?.[1] ?? '');
  }
}

const none = () => ({ objects: 0, bytes: 0 });

class Tally {
  readonly kinds = Object.fromEntries(
    GARBAGE_KINDS.map((kind) => [kind, { there: none(), unused: none(), young: none(), removed: none() }]),
  ) as Record<GarbageKind, Record<keyof GarbageOfKind, { objects: number; bytes: number }>>;

  add(kind: GarbageKind, what: keyof GarbageOfKind, { sizeBytes }: ListedObject): void {
    const amount = this.kinds[kind][what];
    amount.objects += 1;
    amount.bytes += sizeBytes;
  }
}
