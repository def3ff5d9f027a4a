/** What a render that fails leaves for whoever looks for the cause. */

import type { RenderStage } from '../contracts/batch.ts';
import type { Size } from './geometry.ts';
import type { PageMessage } from './page/messages.ts';

/** JPEG, in the size of the frames. */
export interface Screenshot extends Size {
  readonly jpeg: Uint8Array;
}

export interface Evidence {
  /** What was being done. */
  readonly stage: RenderStage;
  /** Number in the template of the last frame that was captured; null: none was. */
  readonly lastFrame: number | null;
  /** What the template said of these params, the last of it. May quote a recipient. */
  readonly messages: readonly PageMessage[];
  /** What the page showed; null where it could not be had in time, or could have been somebody else's. */
  readonly screenshot: Screenshot | null;
}

/** Evidence while it is gathered. */
export interface Watch {
  stage: RenderStage;
  lastFrame: number | null;
  messages: readonly PageMessage[];
  screenshot: Screenshot | null;
}

export const newWatch = (): Watch => ({ stage: 'acquire', lastFrame: null, messages: [], screenshot: null });
