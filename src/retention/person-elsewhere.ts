/** Where a person stands in the bucket outside of the batches: pointers, states, ledgers, results, lists, tombstones. */

import { Failure } from '../contracts/failures.ts';
import {
  type BatchRef,
  type CampaignId,
  isCampaignId,
  objectKeys,
  parseBatchId,
  type VariantKey,
} from '../contracts/ids.ts';
import { readState, swapState } from '../planning/campaign-state.ts';
import { Ledger } from '../storage/ledger.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pointerKey } from '../storage/pointer-keys.ts';
import { type NeutralPointer, neutralPointerSchema, type Pointer, pointerSchema } from '../storage/pointers.ts';
import { tombstoneKey } from '../storage/withdrawals.ts';
import { edits } from './edits.ts';
import { videosOf } from './pointer-scan.ts';
import { asUnreadable, erase, look, type Unreadable } from './traces.ts';

export type ElsewhereKind = 'pointers' | 'results' | 'lists' | 'states' | 'ledgers' | 'tombstones';

/** One object that names them, and what is to be done about it; that can be done twice. */
export interface Task<Kind extends string> {
  readonly kind: Kind;
  readonly key: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface Elsewhere {
  readonly tasks: readonly Task<ElsewhereKind>[];
  readonly unreadable: readonly Unreadable[];
}

export interface Whose {
  readonly store: ObjectStore;
  readonly recipientId: string;
  readonly isInScope: (campaign: string) => boolean;
}

/** The person's own pointers, by campaigns and the patterns that each has or had. */
export async function ownPointers(
  { store, recipientId, isInScope }: Whose,
  patterns: ReadonlyMap<string, ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<Elsewhere & { readonly videos: readonly VariantKey[] }> {
  const keys = new Set<string>();
  for (const [campaign, of] of patterns) {
    if (isInScope(campaign)) for (const pattern of of) keys.add(pointerKey(pattern, campaign, recipientId));
  }
  const tasks: Task<'pointers'>[] = [];
  const unreadable: Unreadable[] = [];
  const videos: VariantKey[] = [];
  for (const key of keys) {
    const text = await store.getText(key, signal);
    if (text === null) continue;
    const pointer = pointerIn(text);
    // Another program's object, or a damaged one: its key names them, and it is not ours to remove.
    if (pointer === null) unreadable.push({ key, namesThem: true });
    // Campaigns that share a pattern share the pointer; it is the one's that wrote it last.
    else if (isInScope(pointer.campaign)) {
      tasks.push({ kind: 'pointers', key, run: (running) => store.remove(key, running) });
      videos.push(...videosOf(text));
    }
  }
  return { tasks, unreadable, videos };
}

function pointerIn(text: string): Pointer | NeutralPointer | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  return neutralPointerSchema.safeParse(json).data ?? pointerSchema.safeParse(json).data ?? null;
}

/** Tables of results, and lists that were given by hand for campaigns in scope only. */
export async function tablesAndLists(
  { store, recipientId, isInScope }: Whose,
  campaignsOfList: ReadonlyMap<string, ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<Elsewhere> {
  const found = new Findings();
  for await (const { key } of store.list('results/', signal)) {
    if (!key.endsWith('.parquet') || !isInScope(key.split('/')[1] ?? '')) continue;
    const trace = { kind: 'results', key, edit: edits.results(recipientId) } as const;
    found.add(await look(store, trace, recipientId, signal), {
      ...trace,
      run: (running) => erase(store, trace, running),
    });
  }
  for await (const { key } of store.list('inputs/', signal)) {
    const campaigns = campaignsOfList.get(key) ?? new Set(['']);
    if (!key.endsWith('.csv') || ![...campaigns].every(isInScope)) continue;
    const trace = { kind: 'lists', key, edit: edits.input(recipientId) } as const;
    found.add(await look(store, trace, recipientId, signal), {
      ...trace,
      run: (running) => erase(store, trace, running),
    });
  }
  return found;
}

/** What campaigns remember from night to night. */
export async function campaignBooks(whose: Whose, signal: AbortSignal): Promise<Elsewhere> {
  const { store, recipientId, isInScope } = whose;
  const found = new Findings();
  const ledgers: string[] = [];
  const campaigns: CampaignId[] = [];
  for await (const { key } of store.list('state/', signal)) {
    const [, campaign = ''] = /^state\/([^/]+)\.json$/.exec(key) ?? [];
    if (isCampaignId(campaign) && isInScope(campaign)) campaigns.push(campaign);
    else if (key.startsWith('state/ledgers/') && isInScope(key.split('/')[2] ?? '')) ledgers.push(key);
  }
  for (const campaign of campaigns) {
    const trace = { kind: 'states', key: objectKeys.state(campaign), edit: edits.state(recipientId) } as const;
    found.add(await look(store, trace, recipientId, signal), {
      ...trace,
      run: (running) => erase(store, trace, running),
    });
  }
  for (const key of ledgers) {
    const run = (running: AbortSignal) => eraseFromLedger(whose, key, running);
    found.add(await ledgerNames(whose, key, signal), { kind: 'ledgers', key, run });
  }
  return found;
}

/** Digests of their ID under which it is kept that they are gone. */
export async function tombstones(
  { store, recipientId, isInScope }: Whose,
  campaigns: Iterable<string>,
  signal: AbortSignal,
): Promise<Elsewhere> {
  const found = new Findings();
  for (const campaign of campaigns) {
    if (!isInScope(campaign)) continue;
    const key = tombstoneKey(campaign, recipientId);
    const isThere = (await store.head(key, signal)) !== null;
    found.add(isThere, { kind: 'tombstones', key, run: (running) => store.remove(key, running) });
  }
  return found;
}

class Findings implements Elsewhere {
  readonly tasks: Task<ElsewhereKind>[] = [];
  readonly unreadable: Unreadable[] = [];

  add(found: boolean | Unreadable, task: Task<ElsewhereKind>): void {
    if (found === true) this.tasks.push(task);
    else if (found !== false) this.unreadable.push(found);
  }
}

async function ledgerNames(
  { store, recipientId }: Whose,
  key: string,
  signal: AbortSignal,
): Promise<boolean | Unreadable> {
  try {
    return (await Ledger.read(store, key, signal)).has(recipientId);
  } catch (error) {
    return asUnreadable(error, key, Buffer.alloc(0), recipientId);
  }
}

const MAX_SWAPS = 10;

/** The one that the campaign goes by is written anew; an older one, which nobody reads any more, is removed. */
async function eraseFromLedger({ store, recipientId }: Whose, key: string, signal: AbortSignal): Promise<void> {
  const batch = parseBatchId(key.split('/').slice(2, 5).join('/'));
  for (let attempt = 1; ; attempt += 1) {
    const found = batch === null ? null : await readState(store, batch.campaign, signal);
    if (batch === null || found === null) break;
    const { state, etag, owedKey } = found;
    if (state.ledger !== key && owedKey !== key) break;
    // A ledger of people who are owed may be written with it: it must not name them either.
    const carryOver = state.carryOver.filter((entry) => entry.recipientId !== recipientId);
    const ledger =
      state.ledger === key ? await ledgerWithout({ store, recipientId }, batch, key, signal) : state.ledger;
    if ((await swapState(store, batch, etag, { ...state, carryOver, ledger }, signal)) === 'stored') break;
    if (attempt === MAX_SWAPS) {
      throw new Failure('StorageUnavailable', `The state of ${batch.campaign} was written by others. Run it again.`);
    }
  }
  await store.remove(key, signal);
}

async function ledgerWithout(
  { store, recipientId }: Pick<Whose, 'store' | 'recipientId'>,
  batch: BatchRef,
  key: string,
  signal: AbortSignal,
): Promise<string> {
  const ledger = await Ledger.read(store, key, signal);
  ledger.delete(recipientId);
  return await ledger.write(store, batch, signal);
}
