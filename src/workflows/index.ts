/** What the orchestrator worker runs. */
export { backfillVariants } from './backfill-variants.ts';
export { nightlyBatch } from './nightly-batch.ts';
export { renderScene } from './render-scene.ts';
export { renderVariant } from './render-variant.ts';
export { sceneLane } from './scene-lane.ts';
export { variantLane } from './variant-lane.ts';
export { watchNight } from './watch-night.ts';
