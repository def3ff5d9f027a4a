/** The folders of all batches, as the bucket lists them: also of those that were never planned to the end, or never closed. */

import { type BatchRef, objectKeys, parseBatchId } from '../contracts/ids.ts';
import { type PlanDocument, parsePlanDocument } from '../planning/manifest.ts';
import type { ListedObject, ObjectStore } from '../storage/object-store.ts';

export interface BatchFolder {
  readonly batch: BatchRef;
  readonly objects: readonly ListedObject[];
}

/** One after the other; of one folder at a time the keys are in memory. What else lies under `batches/` is passed over. */
export async function* batchFolders(
  store: ObjectStore,
  signal: AbortSignal,
): AsyncGenerator<BatchFolder, void, undefined> {
  let objects: ListedObject[] = [];
  let prefix: string | null = null;
  const folder = function* (): Generator<BatchFolder, void, undefined> {
    const batch = prefix === null ? null : parseBatchId(prefix.slice('batches/'.length, -1));
    if (batch !== null) yield { batch, objects };
  };
  for await (const object of store.list('batches/', signal)) {
    const own = /^batches\/[^/]+\/[^/]+\/[^/]+\//.exec(object.key)?.[0] ?? null;
    if (own !== prefix) {
      yield* folder();
      [prefix, objects] = [own, []];
    }
    objects.push(object);
  }
  yield* folder();
}

/** The keys of a folder's objects under one of its own: `manifest/`. */
export const keysUnder = ({ batch, objects }: BatchFolder, name: string): string[] => {
  const prefix = `${objectKeys.batch(batch)}${name}`;
  return objects.map(({ key }) => key).filter((key) => key.startsWith(prefix));
};

/** When anything of the batch was last written, milliseconds since 1970. */
export const touchedMs = ({ objects }: BatchFolder): number =>
  objects.reduce((latest, { modifiedMs }) => Math.max(latest, modifiedMs), 0);

/** Null when the batch has none: its planning goes on, or ended before. */
export async function planOf(
  store: ObjectStore,
  { batch }: BatchFolder,
  signal: AbortSignal,
): Promise<PlanDocument | null> {
  const key = objectKeys.plan(batch);
  const text = await store.getText(key, signal);
  return text === null ? null : parsePlanDocument(text, key);
}
