import type { RenderedCheck } from './rendered-check.ts';

/** In the order in which they run. */
export const RENDERED_CHECKS: readonly RenderedCheck[] = [];
