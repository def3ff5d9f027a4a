/** Where a person stands in the batches of the bucket, and which videos are theirs alone. */

import pMap from 'p-map';
import { isSceneKey, objectKeys, type SceneKey, type VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import { type PlanDocument, parseManifestPage, parseRecipientPage, videosOf } from '../planning/manifest.ts';
import { TextIndex } from '../planning/text-index.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type BatchFolder, keysUnder, planOf } from './batch-folders.ts';
import { edits } from './edits.ts';
import { digestsIn } from './pointer-scan.ts';
import { asUnreadable, look, type Trace, type Unreadable } from './traces.ts';

/** Pages read at a time. */
const CONCURRENCY = 24;

export type BatchTraceKind =
  | 'outcomes'
  | 'scenePages'
  | 'failures'
  | 'reports'
  | 'manifests'
  | 'plans'
  | 'rejects'
  | 'withdrawals';

/** What one video of the person is made from. */
export interface OwnVideo {
  readonly key: VariantKey;
  readonly params: Params;
  /** Null: the batch was never planned to the end. */
  readonly plan: PlanDocument | null;
}

export class PersonInBatches {
  readonly #store: ObjectStore;
  readonly #recipientId: string;
  /** Every object of the batches that names them, in an order in which what tells of the others goes last. */
  readonly traces: Trace<BatchTraceKind>[] = [];
  readonly unreadable: Unreadable[] = [];
  /** Their videos, some of which others may have as well. */
  readonly videos: OwnVideo[] = [];
  /** What failed attempts at scenes left, whosever these are. */
  readonly failuresOfScenes: { readonly scene: SceneKey; readonly key: string }[] = [];
  /** Keys of videos that somebody else has, or that the person keeps elsewhere. */
  readonly others = new TextIndex('hex');

  constructor(store: ObjectStore, recipientId: string) {
    this.#store = store;
    this.#recipientId = recipientId;
  }

  /** @param inScope false: the person stays in this batch; what they have there is somebody's. Returns the batch's plan. */
  async read(folder: BatchFolder, inScope: boolean, signal: AbortSignal): Promise<PlanDocument | null> {
    const id = this.#recipientId;
    const planKey = objectKeys.plan(folder.batch);
    const plan = await planOf(this.#store, folder, signal).catch(async (error: unknown) => {
      const found = await this.#store.get(planKey, signal);
      this.unreadable.push(asUnreadable(error, planKey, found?.body ?? Buffer.alloc(0), id));
      return null;
    });
    const own = new Map<VariantKey, Params | null>();
    const here = new Set<VariantKey>();
    const pages = { manifest: [] as string[], recipients: [] as string[] };
    /** Other renditions of variants, of those that are theirs or a crowd's. */
    const renditions = new Map<VariantKey, readonly VariantKey[]>();
    const note = (keys: readonly VariantKey[], recipients: readonly string[]): boolean => {
      const isTheirs = inScope && recipients.includes(id);
      if (recipients.length > (isTheirs ? 1 : 0)) {
        for (const key of keys) {
          this.others.add(key);
          here.add(key);
        }
      }
      return isTheirs;
    };
    await this.#pages(keysUnder(folder, 'manifest/'), here, signal, (text, key) => {
      for (const variant of parseManifestPage(text, key).variants) {
        const keys = videosOf(variant).map(({ key: video }) => video);
        const isTheirs = note(keys, variant.recipients);
        if (keys.length > 1 && (isTheirs || variant.recipientPages !== null)) renditions.set(variant.key, keys);
        // Whose crowd is gone is told by the crowd's own pages.
        if (!isTheirs) continue;
        own.set(variant.key, variant.params);
        pages.manifest.push(key);
      }
    });
    await this.#pages(keysUnder(folder, 'recipients/'), here, signal, (text, key) => {
      const page = parseRecipientPage(text, key);
      if (!note(renditions.get(page.key) ?? [page.key], page.recipients)) return;
      if (!own.has(page.key)) own.set(page.key, null);
      pages.recipients.push(key);
    });
    if (!inScope) return plan;
    for (const key of keysUnder(folder, 'failures/scenes/')) {
      const scene = key.split('/').at(-2) ?? '';
      if (isSceneKey(scene)) this.failuresOfScenes.push({ scene, key });
    }
    const gone = new Set([...own.keys()].filter((key) => !here.has(key)));
    await this.#paramsOfCrowds(folder, { own, gone, manifest: pages.manifest }, signal);
    for (const [key, params] of own) {
      for (const video of renditions.get(key) ?? [key]) this.videos.push({ key: video, params: params ?? {}, plan });
    }
    await this.#trace(folder, { own, gone, pages }, signal);
    return plan;
  }

  /** Of a crowd that nobody is left of, the manifest still has the line. */
  async #paramsOfCrowds(
    folder: BatchFolder,
    { own, gone, manifest }: { own: Map<VariantKey, Params | null>; gone: ReadonlySet<VariantKey>; manifest: string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = [...gone].filter((key) => own.get(key) === null);
    if (wanted.length === 0) return;
    await this.#pages(keysUnder(folder, 'manifest/'), new Set(), signal, (text, key) => {
      for (const variant of parseManifestPage(text, key).variants) {
        if (!wanted.includes(variant.key)) continue;
        own.set(variant.key, variant.params);
        manifest.push(key);
      }
    });
  }

  async #trace(
    folder: BatchFolder,
    {
      own,
      gone,
      pages,
    }: {
      own: ReadonlyMap<VariantKey, Params | null>;
      gone: ReadonlySet<VariantKey>;
      pages: { readonly manifest: readonly string[]; readonly recipients: readonly string[] };
    },
    signal: AbortSignal,
  ): Promise<void> {
    const [store, id, { batch }] = [this.#store, this.#recipientId, folder];
    const candidates: Trace<BatchTraceKind>[] = [];
    const add = (kind: BatchTraceKind, edit: Trace['edit'], keys: readonly string[]): void => {
      for (const key of new Set(keys)) candidates.push({ kind, key, edit });
    };
    if (gone.size > 0) {
      const params = [...gone].map((key) => own.get(key) ?? {});
      const reportKey = objectKeys.reportJson(batch);
      add('outcomes', edits.outcomes(gone), keysUnder(folder, 'outcomes/'));
      // Also the line of an attempt, which names nobody: what tells of these videos goes as a whole.
      for (const key of gone) add('failures', edits.gone, keysUnder(folder, `failures/${key}/`));
      add('scenePages', edits.scenePage(params), keysUnder(folder, 'scenes/'));
      add('reports', edits.reportPage(store, reportKey, gone), keysUnder(folder, 'report.html'));
      add('reports', edits.report(gone), keysUnder(folder, 'report.json'));
    }
    add('plans', edits.plan(id), keysUnder(folder, 'plan.json'));
    add('rejects', edits.peopleLines(id), keysUnder(folder, 'rejects.jsonl'));
    add('withdrawals', edits.peopleLines(id), keysUnder(folder, 'withdrawn.jsonl'));
    add('plans', edits.peopleLines(id), keysUnder(folder, 'carried-over.jsonl'));
    const looked = await pMap(candidates, (trace) => look(store, trace, id, signal), {
      concurrency: CONCURRENCY,
      signal,
    });
    for (const [at, trace] of candidates.entries()) {
      const found = looked[at];
      if (found === true) this.traces.push(trace);
      else if (typeof found === 'object' && !this.unreadable.some(({ key }) => key === found.key)) {
        this.unreadable.push(found);
      }
    }
    // A run that is cut off finds by these what was left to do; a crowd's line before the pages by which it is found.
    for (const key of new Set(pages.manifest)) {
      this.traces.push({ kind: 'manifests', key, edit: edits.page(id, gone) });
    }
    for (const key of new Set(pages.recipients)) {
      this.traces.push({ kind: 'manifests', key, edit: edits.recipientPage(id) });
    }
  }

  /** @param here takes what a damaged page names: nobody can tell whose it is. */
  async #pages(
    keys: readonly string[],
    here: Set<VariantKey>,
    signal: AbortSignal,
    take: (text: string, key: string) => void,
  ): Promise<void> {
    await pMap(
      keys,
      async (key) => {
        const found = await this.#store.get(key, signal);
        if (found === null) return;
        const text = found.body.toString('utf8');
        try {
          take(text, key);
        } catch (error) {
          const unreadable = asUnreadable(error, key, found.body, this.#recipientId);
          if (!this.unreadable.some((other) => other.key === key)) this.unreadable.push(unreadable);
          for (const digest of digestsIn(text)) {
            this.others.add(digest);
            here.add(digest);
          }
        }
      },
      { concurrency: CONCURRENCY, signal },
    );
  }
}
