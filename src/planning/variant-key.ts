import { createHash } from 'node:crypto';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { Params, RenditionId } from '../contracts/video.ts';
import { canonicalParams } from './canonical-params.ts';

/** How a video comes to be. */
export type Assembly = 'whole' | 'scenes';

/** Everything that decides the bytes of one MP4. */
export interface VariantIdentity {
  readonly engineDigest: string;
  readonly templateDigest: string;
  readonly params: Params;
  readonly rendition: RenditionId;
  /** The rendition whose frames are scaled down to this one; absent: they are captured in this one's size. */
  readonly scaledFrom?: RenditionId | undefined;
  /** `whole` when left out: rendered in one piece, or joined from scenes, which gives other bytes. */
  readonly assembly?: Assembly;
}

/**
 * sha256 of a JSON array of the parts. Array syntax keeps the parts apart, so no two identities read as the same
 * text; equal params give equal keys in whatever order their members stand.
 */
export function variantKeyOf(identity: VariantIdentity): VariantKey {
  const { engineDigest, templateDigest, params, rendition, scaledFrom, assembly = 'whole' } = identity;
  const kind = assembly === 'whole' ? 'variant' : 'joined variant';
  const how = scaledFrom === undefined ? [kind] : ['scaled variant', scaledFrom];
  const head = JSON.stringify([...how, engineDigest, templateDigest, rendition]);
  const key = createHash('sha256')
    .update(`[${head},${canonicalParams(params)}]`)
    .digest('hex');
  if (!isVariantKey(key)) throw new TypeError('sha256 hex has 64 digits');
  return key;
}
