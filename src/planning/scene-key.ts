import { createHash } from 'node:crypto';
import { isSceneKey, type SceneKey } from '../contracts/ids.ts';
import type { Params, RenditionId } from '../contracts/video.ts';
import { declaredParams, type Scene } from '../templates/scenes.ts';
import type { Template } from '../templates/template.ts';
import { canonicalParams } from './canonical-params.ts';

/** A part that joined videos are made of: a scene, or the soundtrack. */
export interface VideoPart {
  readonly key: SceneKey;
  /** Null: the soundtrack. */
  readonly scene: Scene | null;
  /** What the page is given: the recipient's where the part declares them, the placeholder's elsewhere. */
  readonly params: Params;
}

export interface PartsIdentity {
  readonly engineDigest: string;
  readonly template: Template;
  readonly rendition: RenditionId;
}

/** The soundtrack and the scenes, in order, of which a recipient's video is joined; none when the template has no scenes. */
export function partsOf({ engineDigest, template, rendition }: PartsIdentity, params: Params): VideoPart[] {
  const { digest, placeholder, scenes, soundtrackParams } = template;
  if (scenes.length === 0) return [];
  const part = (scene: Scene | null, names: readonly string[], head: readonly unknown[]): VideoPart => {
    const shown = declaredParams(placeholder, names, params);
    const declared = Object.fromEntries(
      names.filter((name) => Object.hasOwn(shown, name)).map((name) => [name, shown[name]]),
    );
    return { key: keyOf([...head, engineDigest, digest], declared), scene, params: shown };
  };
  return [
    part(null, soundtrackParams, ['soundtrack']),
    ...scenes.map((scene) => part(scene, scene.params, ['scene', rendition, scene.id, scene.start, scene.end])),
  ];
}

/** sha256 of a JSON array, as in `variantKeyOf`. */
function keyOf(head: readonly unknown[], declared: Params): SceneKey {
  const key = createHash('sha256')
    .update(`[${JSON.stringify(head)},${canonicalParams(declared)}]`)
    .digest('hex');
  if (!isSceneKey(key)) throw new TypeError('sha256 hex has 64 digits');
  return key;
}
