import pMap from 'p-map';
import type { PublishPointersInput, VariantOutcome } from '../contracts/batch.ts';
import { asFailure, FAILURES } from '../contracts/failures.ts';
import type { BatchRef } from '../contracts/ids.ts';
import type { StoredVideo } from '../contracts/video.ts';
import { paramsDigest } from '../planning/canonical-params.ts';
import type { Consent } from '../planning/consent.ts';
import type { ManifestReader, ManifestVariant } from '../planning/manifest-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { publishPointers } from '../storage/publish-pointers.ts';
import { withdrawnPeople, withdrawPointers } from '../storage/withdrawals.ts';
import { runActivity } from './run-activity.ts';

/** Most variants are one person's: their pointers are written side by side. */
const VARIANTS_AT_A_TIME = 8;

export interface PointerDeps {
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
  readonly consent: Consent;
  /** The time stamped on a pointer, ISO 8601 UTC. */
  readonly now: () => string;
}

export type PointerActivities = ReturnType<typeof createPointerActivities>;

/** Writes to `users/`: on the `storage` task queue. */
export const createPointerActivities = ({ store, manifests, consent, now }: PointerDeps) => {
  /** Points every recipient of the variant who still wants one at the video. Returns how many now do. */
  const publish = async (
    { batch, page }: { readonly batch: BatchRef; readonly page: number },
    { recipients, params }: Pick<ManifestVariant, 'recipients' | 'params'>,
    video: StoredVideo,
    signal: AbortSignal,
  ) => {
    const { pointerKey, whenWithdrawn } = await manifests.plan(batch);
    const request = { batch, pointerKey, whenWithdrawn, updatedAt: now() };
    const withdrawn = await consent.withdrawnOf(batch, page, signal);
    const [unwilling, willing] = [true, false].map((is) => recipients.filter((id) => withdrawn.has(id) === is));
    if (unwilling?.length) await withdrawPointers(store, { ...request, recipients: unwilling }, signal);
    const shown = { video, paramsDigest: paramsDigest(params) };
    return await publishPointers(store, { ...request, recipients: willing ?? [], ...shown }, signal);
  };

  return {
    /** Everyone who shares one line of the manifest. Returns the number of recipients whose pointer shows the video. */
    async publishPointers({ batch, page, index, video }: PublishPointersInput): Promise<number> {
      return await runActivity(async (signal) => {
        return await publish(
          { batch, page },
          await manifests.variant({ batch, page, index, key: video.variantKey }),
          video,
          signal,
        );
      });
    },

    /** Takes back the pointers of everyone whom the plan found to be gone or unwilling. Returns how many have none now. */
    async withdrawPointers({ batch }: { batch: BatchRef }): Promise<number> {
      return await runActivity(async (signal) => {
        const { pointerKey, whenWithdrawn } = await manifests.plan(batch);
        const recipients = await withdrawnPeople(store, batch, signal);
        const request = { batch, pointerKey, whenWithdrawn, recipients, updatedAt: now() };
        return await withdrawPointers(store, request, signal);
      });
    },

    /** Everyone on one page whose video was already stored when the night was planned. */
    async publishCached({ batch, page }: { batch: BatchRef; page: number }): Promise<VariantOutcome[]> {
      return await runActivity(async (signal) => {
        const { variants } = await manifests.page(batch, page);
        return await pMap(
          variants.flatMap(({ cached, ...variant }) => (cached === null ? [] : [{ variant, cached }])),
          async ({ variant: { index, key, recipients, params }, cached }): Promise<VariantOutcome> => {
            try {
              const pointers = await publish({ batch, page }, { recipients, params }, cached, signal);
              return { outcome: 'cached', page, index, key, renderMs: 0, pointers };
            } catch (error) {
              const { failureClass, message } = asFailure(error);
              // One that will not come right by itself is that variant's outcome; an outage is the whole page's to wait out.
              if (signal.aborted || FAILURES[failureClass].retryable) throw error;
              return { outcome: 'failed', page, index, key, failureClass, message };
            }
          },
          { concurrency: VARIANTS_AT_A_TIME },
        );
      });
    },
  };
};
