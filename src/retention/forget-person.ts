/**
 * Takes one person out of the bucket: pointers, their lines in manifests and in everything else that names people, and the videos
 * and scenes that only they had. It can be stopped anywhere and run again: what tells of other objects is written last.
 */

import { type CampaignId, objectKeys, type SceneKey, type VariantKey } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { batchFolders } from './batch-folders.ts';
import {
  campaignBooks,
  type ElsewhereKind,
  ownPointers,
  type Task,
  tablesAndLists,
  tombstones,
  type Whose,
} from './person-elsewhere.ts';
import { type BatchTraceKind, type OwnVideo, PersonInBatches } from './person-in-batches.ts';
import { PinnedParts } from './pinned-parts.ts';
import { scanPointers, USUAL_PATTERN } from './pointer-scan.ts';
import { erase, type Unreadable } from './traces.ts';

export type ForgottenKind = 'videos' | 'posters' | 'scenes' | ElsewhereKind | BatchTraceKind;

export interface ForgetRequest {
  readonly recipientId: string;
  /** Null: of all campaigns. */
  readonly campaign: CampaignId | null;
  /** The campaigns that there are, with the patterns of their pointers' keys; the bucket knows of others. */
  readonly campaigns: readonly { readonly id: CampaignId; readonly pointerKey: string }[];
  /** Only tells what would be done. */
  readonly dryRun: boolean;
}

export interface Forgotten {
  /** Objects removed or written anew, by kind; of a dry run, those that would be. */
  readonly objects: Readonly<Partial<Record<ForgottenKind, number>>>;
  /** Videos that went, for caches that still have them. */
  readonly videoKeys: readonly VariantKey[];
  /** Videos of theirs that others have too, and that stay. */
  readonly sharedVideos: number;
  /** Videos that went of which it is not known any more which scenes they were made from. */
  readonly unknownScenes: number;
  /** Objects in which they may stand, and that are left alone. */
  readonly unreadable: readonly Unreadable[];
}

/** `what`: what is being looked through or done; `count`: how many of it so far. */
export type OnProgress = (what: string, count: number) => void;

export async function forgetPerson(
  store: ObjectStore,
  { recipientId, campaign: scope, campaigns, dryRun }: ForgetRequest,
  signal: AbortSignal,
  onProgress: OnProgress = () => undefined,
): Promise<Forgotten> {
  const whose: Whose = { store, recipientId, isInScope: (campaign) => scope === null || campaign === scope };
  const patterns = new Map<string, Set<string>>();
  const knowPattern = (campaign: string, pattern: string): void => {
    patterns.set(campaign, (patterns.get(campaign) ?? new Set([USUAL_PATTERN])).add(pattern));
  };
  for (const { id, pointerKey } of campaigns) knowPattern(id, pointerKey);

  const inBatches = new PersonInBatches(store, recipientId);
  let batches = 0;
  const campaignsOfList = new Map<string, Set<string>>();
  for await (const folder of batchFolders(store, signal)) {
    const { campaign } = folder.batch;
    onProgress('batches read', batches);
    const plan = await inBatches.read(folder, whose.isInScope(campaign), signal);
    batches += 1;
    knowPattern(campaign, plan?.pointerKey ?? USUAL_PATTERN);
    if (plan?.csvKey) {
      campaignsOfList.set(plan.csvKey, (campaignsOfList.get(plan.csvKey) ?? new Set()).add(campaign));
    }
  }

  const pointers = await ownPointers(whose, patterns, signal);
  const theirs = new Set(pointers.tasks.map(({ key }) => key));
  const own = new Set([...inBatches.videos.map(({ key }) => key), ...pointers.videos]);
  const isAlone = (key: VariantKey): boolean => inBatches.others.get(key) === undefined;
  let read = 0;
  // Whose batch is long gone has a video all the same.
  if ([...own].some(isAlone)) {
    for await (const { key, videos } of scanPointers(
      store,
      [...patterns.values()].flatMap((of) => [...of]),
      signal,
    )) {
      read += 1;
      onProgress('pointers read', read);
      if (!theirs.has(key)) for (const video of videos) inBatches.others.add(video);
    }
  }
  const alone = [...own].filter(isAlone);
  const scenes = await scenesOf(store, { alone, videos: inBatches.videos }, signal);

  onProgress('books read', 0);
  const tables = await tablesAndLists(whose, campaignsOfList, signal);
  const books = await campaignBooks(whose, signal);
  const stones = await tombstones(whose, patterns.keys(), signal);
  const tasks: Task<ForgottenKind>[] = [
    ...(await removals(store, 'videos', alone.map(objectKeys.video), signal)),
    ...(await removals(store, 'posters', alone.map(objectKeys.poster), signal)),
    ...failuresOf(store, inBatches, scenes),
    ...(await removals(store, 'scenes', [...scenes.keys].map(objectKeys.scene), signal)),
    ...pointers.tasks,
    ...inBatches.traces.map((trace) => ({ ...trace, run: (running: AbortSignal) => erase(store, trace, running) })),
    ...tables.tasks,
    ...books.tasks,
    // Until here an older batch, repaired meanwhile, could have written their pointer again.
    ...stones.tasks,
  ];
  const removed = new Set(tasks.map(({ key }) => key));
  const videoKeys = alone.filter((key) => removed.has(objectKeys.video(key)));
  const objects: Partial<Record<ForgottenKind, number>> = {};
  for (const [done, { kind, run }] of tasks.entries()) {
    signal.throwIfAborted();
    if (!dryRun) {
      onProgress('objects done', done);
      await run(signal);
    }
    objects[kind] = (objects[kind] ?? 0) + 1;
  }
  return {
    objects,
    videoKeys,
    sharedVideos: own.size - alone.length,
    unknownScenes: videoKeys.filter((key) => scenes.unknown.has(key)).length,
    unreadable: [pointers, inBatches, tables, books].flatMap(({ unreadable }) => unreadable),
  };
}

/** What failed attempts at these scenes show; of all scenes, where nobody knows any more which are theirs. */
function failuresOf(
  store: ObjectStore,
  { failuresOfScenes }: PersonInBatches,
  scenes: { readonly keys: ReadonlySet<SceneKey>; readonly unknown: ReadonlySet<VariantKey> },
): Task<'failures'>[] {
  return failuresOfScenes
    .filter(({ scene }) => scenes.unknown.size > 0 || scenes.keys.has(scene))
    .map(({ key }) => ({ kind: 'failures', key, run: (running) => store.remove(key, running) }));
}

/** Of those that are there. */
async function removals<Kind extends string>(
  store: ObjectStore,
  kind: Kind,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Task<Kind>[]> {
  const tasks: Task<Kind>[] = [];
  for (const key of keys) {
    if ((await store.head(key, signal)) === null) continue;
    tasks.push({ kind, key, run: (running) => store.remove(key, running) });
  }
  return tasks;
}

/**
 * Scenes that show anything of theirs, from videos that only they had. Some show what others have too, "3 friends": whoever needs one
 * next renders it again.
 */
async function scenesOf(
  store: ObjectStore,
  { alone, videos }: { readonly alone: readonly VariantKey[]; readonly videos: readonly OwnVideo[] },
  signal: AbortSignal,
): Promise<{ readonly keys: ReadonlySet<SceneKey>; readonly unknown: ReadonlySet<VariantKey> }> {
  const keys = new Set<SceneKey>();
  const unknown = new Set(alone);
  await using pinned = await PinnedParts.open(store);
  for (const { key, params, plan } of videos) {
    if (plan === null || !unknown.has(key)) continue;
    const parts = await pinned.personal(plan, params, signal);
    if (parts === null) continue;
    for (const part of parts) keys.add(part.key);
    unknown.delete(key);
  }
  return { keys, unknown };
}

/** Whether the bucket, or the project, knows of a campaign. */
export async function isKnownCampaign(
  store: ObjectStore,
  campaign: CampaignId,
  campaigns: ForgetRequest['campaigns'],
  signal: AbortSignal,
): Promise<boolean> {
  if (campaigns.some(({ id }) => id === campaign)) return true;
  for await (const _ of store.list(`batches/${campaign}/`, signal)) return true;
  return (await store.head(objectKeys.state(campaign), signal)) !== null;
}
