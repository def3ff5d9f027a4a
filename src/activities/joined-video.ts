/** A variant's video from its scenes: those that are stored are read, the others rendered and stored for whoever needs them next. */

import { Failure } from '../contracts/failures.ts';
import { objectKeys } from '../contracts/ids.ts';
import { type Params, RENDITIONS, type RenditionId } from '../contracts/video.ts';
import { partsOf, type VideoPart } from '../planning/scene-key.ts';
import type { Soundtrack } from '../rendering/audio/soundtrack.ts';
import type { Evidence } from '../rendering/evidence.ts';
import { type JoinedVideo, joinScenes } from '../rendering/join.ts';
import { Meter } from '../rendering/measuring/meter.ts';
import {
  packScene,
  packSoundtrack,
  type StoredScene,
  unpackScene,
  unpackSoundtrack,
} from '../rendering/mp4/stored-scene.ts';
import type { Renderer } from '../rendering/renderer.ts';
import type { SceneStore } from '../storage/scene-store.ts';
import { recordStages, timeStage } from '../telemetry/metrics.ts';
import { inStep } from '../telemetry/tracing.ts';
import type { Template } from '../templates/template.ts';

export interface JoinedVariant {
  readonly template: Template;
  readonly engineDigest: string;
  readonly rendition: RenditionId;
  readonly params: Params;
}

/** Where the parts of a video came from. */
export interface PartCounts {
  readonly rendered: number;
  readonly reused: number;
}

type Parts = readonly { readonly part: VideoPart; readonly bytes: Uint8Array }[];

/** Joins the video; null when a part of it is not stored. Needs no browser. */
export async function joinStored(
  scenes: SceneStore,
  variant: JoinedVariant,
  signal: AbortSignal,
): Promise<JoinedVideo | null> {
  const parts = await inStep('read scenes', async () => {
    const found: { part: VideoPart; bytes: Uint8Array }[] = [];
    for (const part of partsOf(variant, variant.params)) {
      const bytes = await scenes.get(objectKeys.scene(part.key), { signal });
      if (bytes === null) return null;
      found.push({ part, bytes });
    }
    return found;
  });
  return parts === null ? null : await join(variant, parts);
}

/** Joins the video; what is not stored is rendered and stored first. */
export async function renderAndJoin(
  { renderer, scenes }: { readonly renderer: Renderer; readonly scenes: SceneStore },
  variant: JoinedVariant,
  options: PartOptions,
): Promise<{ readonly video: JoinedVideo; readonly counts: PartCounts }> {
  const parts: { part: VideoPart; bytes: Uint8Array }[] = [];
  let rendered = 0;
  for (const part of partsOf(variant, variant.params)) {
    const { bytes, origin } = await inStep('scene', async (span) => {
      const got = await getOrRender({ renderer, scenes }, variant, part, options);
      span.setAttributes({ 'nightreel.scene': part.key, 'nightreel.scene.origin': got.origin });
      return got;
    });
    options.onThere?.();
    if (origin === 'made') rendered += 1;
    parts.push({ part, bytes });
  }
  const video = await join(variant, parts);
  return { video, counts: { rendered, reused: parts.length - rendered } };
}

export interface PartOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly frame: number; readonly frameCount: number }) => void;
  readonly onFailure?: (evidence: Evidence) => void;
  /** Told when it is rendered, and is to be stored. */
  readonly onMade?: () => void;
  /** Told of each part that is there, stored. */
  readonly onThere?: () => void;
}

/** One part: from memory, from the store, or rendered and stored. */
export async function getOrRender(
  { renderer, scenes }: { readonly renderer: Renderer; readonly scenes: SceneStore },
  { template, rendition }: Pick<JoinedVariant, 'template' | 'rendition'>,
  { key, scene, params }: Pick<VideoPart, 'key' | 'scene' | 'params'>,
  { signal, onProgress, onFailure, onMade }: PartOptions,
): ReturnType<SceneStore['getOrMake']> {
  const told = onFailure && { onFailure };
  const make = async (shared: AbortSignal): Promise<Uint8Array> => {
    if (scene === null) {
      const soundtrack = await renderer.renderSoundtrack({ template, params }, { signal: shared, ...told });
      onMade?.();
      return packSoundtrack(soundtrack);
    }
    const request = { template, params, rendition: RENDITIONS[rendition], scene };
    const rendered = await renderer.renderScene(request, {
      signal: shared,
      ...told,
      ...(onProgress && { onProgress }),
    });
    recordStages(rendered.stages, scene.end - scene.start);
    onMade?.();
    return packScene(rendered);
  };
  return await scenes.getOrMake(objectKeys.scene(key), make, { signal });
}

async function join({ template, rendition }: JoinedVariant, parts: Parts): Promise<JoinedVideo> {
  let soundtrack: Soundtrack | null = null;
  const scenes: StoredScene[] = [];
  for (const { part, bytes } of parts) {
    if (part.scene === null) soundtrack = unpackSoundtrack(bytes);
    else scenes.push(unpackScene(bytes));
  }
  if (scenes.length !== template.scenes.length) throw new Failure('Internal', 'A joined video lacks a scene.');
  return await timeStage(
    'assemble',
    () => joinScenes({ template, rendition: RENDITIONS[rendition], scenes, soundtrack }),
    (durationMs) => Meter.current?.addStage('assemble', durationMs),
  );
}
