/** What a video is and where it lies: shared by the engine, storage, workflows and reports. Plain data, no I/O. */

import type { VariantKey } from './ids.ts';

/** The parameter bag of one recipient: JSON values only, validated against the template's schema. */
export type Params = Readonly<Record<string, unknown>>;

export const RENDITION_IDS = ['email-480p', 'phone-720p', 'web-1080p'] as const;
export type RenditionId = (typeof RENDITION_IDS)[number];

/** An output profile: the template's page scaled to this height (width follows, both even), at this quality. */
export interface Rendition {
  readonly id: RenditionId;
  /** Pixels of the template's shorter side. */
  readonly shortSide: number;
  /** x264 constant quantiser: lower is better and larger. */
  readonly qp: number;
  /** Kilobits a second at which it plays without a pause for whoever has loaded two seconds ahead; absent: no limit. */
  readonly maxKbps?: number;
}

export const RENDITIONS: Readonly<Record<RenditionId, Rendition>> = {
  'email-480p': { id: 'email-480p', shortSide: 480, qp: 25 },
  'phone-720p': { id: 'phone-720p', shortSide: 720, qp: 23 },
  'web-1080p': { id: 'web-1080p', shortSide: 1080, qp: 18 },
};

export const isRenditionId = (value: string): value is RenditionId => Object.hasOwn(RENDITIONS, value);

/** A video that is in the store, whole and checked. */
export interface StoredVideo {
  readonly variantKey: VariantKey;
  readonly rendition: RenditionId;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** Hex digest of the file's bytes. */
  readonly sha256: string;
}
