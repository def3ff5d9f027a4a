import pMap from 'p-map';
import type { PublishedPart, PublishPointersInput, VariantOutcome } from '../contracts/batch.ts';
import { asFailure, FAILURES, Failure } from '../contracts/failures.ts';
import { type BatchRef, objectKeys } from '../contracts/ids.ts';
import type { StoredVideo } from '../contracts/video.ts';
import { paramsDigest } from '../planning/canonical-params.ts';
import type { Consent } from '../planning/consent.ts';
import { type ManifestVideo, type PlanDocument, videosFor } from '../planning/manifest.ts';
import {
  isPublishedByPage,
  type ManifestReader,
  type ManifestVariant,
  type Sharer,
} from '../planning/manifest-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type PublishRequest, publishPointers } from '../storage/publish-pointers.ts';
import { headVideo } from '../storage/videos.ts';
import { withdrawnPeople, withdrawPointers } from '../storage/withdrawals.ts';
import { timeStage } from '../telemetry/metrics.ts';
import { inStep, withoutSpans } from '../telemetry/tracing.ts';
import { runActivity } from './run-activity.ts';

/** Most variants are one person's: their pointers are written side by side. */
const VARIANTS_AT_A_TIME = 8;

/** Some of the people who share a variant. */
interface Part {
  readonly batch: BatchRef;
  readonly page: number;
  readonly variant: ManifestVariant;
  readonly part: number;
}

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
  /** Points everyone of a part who still wants a video at it. Returns how many now do. */
  const publish = async (
    { batch, page, variant, part }: Part,
    video: StoredVideo,
    signal: AbortSignal,
  ): Promise<number> => {
    const plan = await manifests.plan(batch);
    const { pointerKey, publicUrl, whenWithdrawn } = plan;
    const sharers = await manifests.sharersOfPart(batch, variant, part);
    const recipients = sharers.map(({ recipientId }) => recipientId);
    const request = { batch, pointerKey, publicUrl, whenWithdrawn, updatedAt: now() };
    const isCrowd = variant.recipientPages !== null;
    const everyone = async () =>
      isCrowd ? recipients : (await manifests.page(batch, page)).variants.flatMap((one) => one.recipients);
    const name = isCrowd ? `${variant.key}/${part}` : `page ${page}`;
    const withdrawn = await inStep('ask consent', () => consent.withdrawnOf(batch, name, everyone, signal));
    const [unwilling, willing] = [true, false].map((is) => recipients.filter((id) => withdrawn.has(id) === is));
    if (unwilling?.length) await withdrawPointers(store, { ...request, recipients: unwilling }, signal);
    const videosOf = plan.destinations && (await videosByPerson({ plan, variant, sharers }, video, signal));
    const shown = { video, videosOf, paramsDigest: paramsDigest(variant.params) };
    const pointers = { ...request, recipients: willing ?? [], ...shown };
    return await timeStage('publish', () => publishPointers(store, pointers, signal));
  };

  /** What each of these people is shown. */
  const videosByPerson = async (
    { plan, variant, sharers }: { plan: PlanDocument; variant: ManifestVariant; sharers: readonly Sharer[] },
    own: StoredVideo,
    signal: AbortSignal,
  ): Promise<PublishRequest['videosOf']> => {
    const stored = async ({ key, rendition, cached }: ManifestVideo): Promise<StoredVideo> => {
      const video = key === own.variantKey ? own : (cached ?? (await headVideo(store, key, rendition, signal)));
      if (video !== null) return video;
      throw new Failure(
        'ContentMismatch',
        `${objectKeys.video(key)}, a rendition of ${own.variantKey}, is not in the bucket any more. Run the night again, and it is rendered.`,
      );
    };
    const destinations = new Map(sharers.map(({ recipientId, destination }) => [recipientId, destination]));
    const byDestination = new Map<number | null, readonly [StoredVideo, ...StoredVideo[]]>();
    for (const destination of new Set(destinations.values())) {
      const [first, ...linked] = videosFor(plan, variant, destination);
      byDestination.set(destination, [await stored(first), ...(await Promise.all(linked.map(stored)))]);
    }
    return (recipientId) => byDestination.get(destinations.get(recipientId) ?? null) ?? [own];
  };

  return {
    /** Those who share one line of the manifest; of very many, one part of them, and which is the next. */
    async publishPointers({ batch, page, index, video, part = 0 }: PublishPointersInput): Promise<PublishedPart> {
      return await runActivity(async (signal) => {
        const variant = await inStep('read row', () =>
          manifests.variant({ batch, page, index, key: video.variantKey }),
        );
        const parts = manifests.partsOf(variant);
        const next = part + 1 < parts ? part + 1 : null;
        try {
          return { pointers: await publish({ batch, page, variant, part }, video, signal), next };
        } catch (error) {
          const { failureClass, message } = asFailure(error);
          if (parts === 1 || signal.aborted || FAILURES[failureClass].retryable) throw error;
          return { pointers: 0, next, failure: { failureClass, message } };
        }
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

    /** Everyone on one page whose video was already stored when the night was planned, but those who are very many. */
    async publishCached({ batch, page }: { batch: BatchRef; page: number }): Promise<VariantOutcome[]> {
      return await runActivity(async (signal) => {
        const { variants } = await manifests.page(batch, page);
        return await pMap(
          variants.flatMap((variant) => (isPublishedByPage(variant) ? [{ variant, cached: variant.cached }] : [])),
          async ({ variant, cached }): Promise<VariantOutcome> => {
            const { index, key } = variant;
            try {
              // A page has as many as there are videos on it, all in the trace of the batch.
              const pointers = await withoutSpans(() => publish({ batch, page, variant, part: 0 }, cached, signal));
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
