/**
 * How long a plan takes to find out which of a night's videos are stored, against a real S3 server on this machine: page by page, each written
 * once that is known, as `planBatch` does it.
 */

import { createHash } from 'node:crypto';
import pMap from 'p-map';
import type { BatchRef, VariantKey } from '../src/contracts/ids.ts';
import { planDelta } from '../src/planning/delta-plan.ts';
import { VARIANTS_PER_PAGE } from '../src/planning/manifest.ts';
import { variantKeyOf } from '../src/planning/variant-key.ts';
import { writeManifest } from '../src/planning/write-manifest.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import { putVideo } from '../src/storage/videos.ts';
import { TestS3 } from '../test/support/s3.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { noteMachine } from './machine.ts';
import { rounded } from './statistics.ts';

export interface LookupOptions extends BenchContext {
  readonly variants: number;
}

const RENDITION = 'phone-720p';
const UPLOADS = 32;

export async function run({ variants: count, signal, progress }: LookupOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  progress.expect(3);
  await using s3 = await TestS3.start();
  using store = s3.store();
  using night = await planDelta({
    ...{ rows: rowsOf(count), ordered: false, end: null, range: { since: null, until: '9999-12-31T23:59:59Z' } },
    validateParams: (params) => ({ ok: true, params }),
    keyOf: (params) =>
      variantKeyOf({ engineDigest: 'bench', templateDigest: 'bench', params, rendition: RENDITION, assembly: 'whole' }),
  });
  const { variants } = night;
  const look = async (attempt: number) => {
    const batch = { campaign: 'bench', businessDate: '2026-11-20', attempt } as BatchRef;
    const target = { store, batch, rendition: RENDITION, perPage: VARIANTS_PER_PAGE } as const;
    const started = performance.now();
    const { storedCount, pages } = await writeManifest(target, variants, {}, signal);
    const seconds = (performance.now() - started) / 1000;
    return { stored: storedCount, pages, seconds: rounded(seconds, 2), perSecond: rounded(count / seconds, 0) };
  };
  progress.step('none stored');
  const none = await look(1);
  progress.step(`storing ${count} videos`);
  await pMap(
    keysOf(count, (rank) => variants.keyAt(rank)),
    (key) => storeVideo(store, key, signal),
    { concurrency: UPLOADS, signal },
  );
  progress.step('all stored');
  const all = await look(2);
  return {
    rows: [
      { night: 'none stored', ...none },
      { night: 'all stored', ...all },
    ],
    json: { variants: count, none, all },
  };
}

async function* rowsOf(count: number) {
  for (let n = 0; n < count; n += 1) yield { line: n + 1, recipientId: `p${n}`, updatedAt: null, params: { n } };
}

function* keysOf(count: number, keyAt: (rank: number) => VariantKey) {
  for (let rank = 0; rank < count; rank += 1) yield keyAt(rank);
}

/** A few bytes under a video's key, with what a HEAD of a video says. */
async function storeVideo(store: ObjectStore, variantKey: VariantKey, signal: AbortSignal): Promise<void> {
  const bytes = Buffer.from(variantKey);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const origin = { engineDigest: 'bench', templateDigest: 'bench', batchId: 'bench/2026-11-20/1', renderMs: 1 };
  await putVideo(
    store,
    { bytes, width: 2, height: 2, durationMs: 1, sha256, making: 'whole' },
    { variantKey, rendition: RENDITION, ...origin },
    signal,
  );
}
