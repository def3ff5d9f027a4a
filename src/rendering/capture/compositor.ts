/** What a page looks like: the part of a capture route that belongs to one browser. */

import type { CaptureRoute } from '../browser/flags.ts';
import type { Size } from '../geometry.ts';

export interface Compositor {
  readonly route: CaptureRoute;
  /** Waits for `work`, drawing meanwhile where the route draws on demand only: a page at work may wait for that. */
  settle<T>(work: Promise<T>): Promise<T>;
  /** Lays the page out at its own size and shows it in a frame of another, magnified as needed: text stays sharp. */
  setView(page: Size, frame: Size): Promise<void>;
  /** The picture of this moment as JPEG. */
  capture(): Promise<Buffer>;
  /** Whether the next picture can differ from the last; null where the route cannot tell for less than a picture. */
  hasChanged(): Promise<boolean | null>;
}

/** Chromium's JPEG encoder, 4:2:0. Measured in docs/engine.md. */
export const JPEG = { format: 'jpeg', quality: 92, optimizeForSpeed: true } as const;
