/** The proof of a template's declared scenes: what a scene shows must follow from the params that it declares. */

import { createHash } from 'node:crypto';
import { Failure } from '../../contracts/failures.ts';
import type { Params, Rendition } from '../../contracts/video.ts';
import { declaredParams, type Scene } from '../../templates/scenes.ts';
import type { Template } from '../../templates/template.ts';
import type { Size } from '../geometry.ts';
import { packSoundtrack } from '../mp4/stored-scene.ts';
import type { Renderer } from '../renderer.ts';
import { sideBySide } from './side-by-side.ts';

/** Something that would be seen, or heard, in somebody's video and should not be. */
export interface SceneFinding {
  readonly kind: 'leak' | 'join' | 'sound';
  /** Id of the scene; null: the soundtrack. */
  readonly scene: string | null;
  /** Undeclared params that change it, each by itself; several that only do so together. */
  readonly params: readonly string[];
  /** First frame of the video that differs. */
  readonly frame: number;
  /** How many of the scene's frames differ. */
  readonly frames: number;
  /** PNG: as it is, as the scene shows it, and where these differ. Null for sound. */
  readonly picture: Uint8Array | null;
}

/** A param that a scene declares and that changed nothing in it: it costs reuse. */
export interface SceneHint {
  readonly scene: string;
  readonly param: string;
}

export interface SceneProof {
  readonly findings: readonly SceneFinding[];
  readonly hints: readonly SceneHint[];
}

export interface ProveOptions {
  readonly rendition: Rendition;
  /** Params that differ from the placeholder. */
  readonly samples: readonly [Params, ...Params[]];
  readonly signal: AbortSignal;
  readonly onScene?: (scene: Scene, sample: number) => void;
}

/** Levels by which frames on both sides of a join may differ from the same frames in a whole video, and in how many samples. */
const JOIN = { levels: 24, share: 0.001 } as const;

/**
 * Every scene is drawn with all of a sample's params and with its own alone, both from its first frame on, and must come out
 * the same to the last bit. Frames at joins are compared with those of a video that is drawn from beginning to end.
 */
export async function proveScenes(renderer: Renderer, template: Template, options: ProveOptions): Promise<SceneProof> {
  const findings: SceneFinding[] = [];
  const hints: SceneHint[] = [];
  const prover = new SceneProver(renderer, template, options);
  const [first] = options.samples;
  for (const scene of template.scenes) {
    for (const [index, params] of options.samples.entries()) {
      options.onScene?.(scene, index);
      const leak = await prover.leakOf(scene, params);
      if (leak === null) continue;
      // One picture of a scene says enough.
      findings.push(leak);
      break;
    }
    for (const param of scene.params) if (await prover.isIdle(scene, param)) hints.push({ scene: scene.id, param });
  }
  if (findings.length === 0) findings.push(...(await prover.joinsOf(first)));
  for (const params of options.samples) {
    if (await prover.soundsDifferent(params)) {
      findings.push({ kind: 'sound', scene: null, params: [], frame: 0, frames: 0, picture: null });
      break;
    }
  }
  return { findings, hints };
}

class SceneProver {
  private readonly renderer: Renderer;
  private readonly template: Template;
  private readonly options: ProveOptions;
  /** Digests of frames by what decides them: many samples share params. */
  private readonly known = new Map<string, readonly string[]>();

  constructor(renderer: Renderer, template: Template, options: ProveOptions) {
    this.renderer = renderer;
    this.template = template;
    this.options = options;
  }

  async leakOf(scene: Scene, params: Params): Promise<SceneFinding | null> {
    const own = this.paramsOf(scene, params);
    const [is, shown] = [await this.digests(scene, params), await this.digests(scene, own)];
    const differing = [...is.keys()].filter((index) => is[index] !== shown[index]);
    const [frame] = differing;
    if (frame === undefined) return null;
    const leaking: string[] = [];
    const undeclared = Object.keys(params).filter((name) => !scene.params.includes(name));
    for (const name of undeclared) {
      const one = await this.digests(scene, this.paramsOf(scene, params, [name]));
      if (one.some((digest, index) => digest !== shown[index])) leaking.push(name);
    }
    const at = scene.start + frame;
    const picture = await this.picture(scene, at, params, own);
    const together = leaking.length === 0 ? undeclared : leaking;
    return { kind: 'leak', scene: scene.id, params: together, frame: at, frames: differing.length, picture };
  }

  /** Whether a declared param changes nothing, in any sample. */
  async isIdle(scene: Scene, param: string): Promise<boolean> {
    const without = { ...scene, params: scene.params.filter((name) => name !== param) };
    for (const params of this.options.samples) {
      const own = await this.digests(scene, this.paramsOf(scene, params));
      const less = await this.digests(scene, this.paramsOf(without, params));
      if (own.some((digest, index) => digest !== less[index])) return false;
    }
    return true;
  }

  /** The frames around each join against a video that is drawn from its beginning to its end. */
  async joinsOf(params: Params): Promise<SceneFinding[]> {
    const { scenes, frameCount } = this.template;
    const inner = scenes.flatMap(({ start, end }) => [start, end - 1]).filter((at) => at > 0 && at < frameCount - 1);
    const whole = await this.frames({ start: 0, end: frameCount }, params, new Set(inner));
    const findings: SceneFinding[] = [];
    for (const scene of scenes) {
      const own = await this.frames(scene, this.paramsOf(scene, params), new Set(inner));
      for (const [frame, { data, size }] of own) {
        const expected = whole.get(frame)?.data;
        if (expected === undefined || !isOtherPicture(data, expected)) continue;
        const picture = await sideBySide(expected, data, size);
        findings.push({ kind: 'join', scene: scene.id, params: [], frame, frames: 1, picture });
      }
    }
    return findings;
  }

  async soundsDifferent(params: Params): Promise<boolean> {
    const { template, renderer } = this;
    const { signal } = this.options;
    const own = declaredParams(template.placeholder, template.soundtrackParams, params);
    const [is, heard] = [
      packSoundtrack(await renderer.renderSoundtrack({ template, params }, { signal })),
      packSoundtrack(await renderer.renderSoundtrack({ template, params: own }, { signal })),
    ];
    return Buffer.compare(is, heard) !== 0;
  }

  private paramsOf(scene: Scene, params: Params, more: readonly string[] = []): Params {
    return declaredParams(this.template.placeholder, [...scene.params, ...more], params);
  }

  private async digests(scene: Scene, params: Params): Promise<readonly string[]> {
    const key = JSON.stringify([scene.start, scene.end, Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const digests: string[] = [];
    const { template } = this;
    const { rendition, signal } = this.options;
    await this.renderer.capture(
      { template, params, rendition, scene },
      ({ data, isRepeat }) => {
        const last = digests.at(-1);
        digests.push(isRepeat && last !== undefined ? last : createHash('sha256').update(data).digest('hex'));
      },
      { signal },
    );
    this.known.set(key, digests);
    return digests;
  }

  /** Some frames of a range that is drawn as a whole. */
  private async frames(
    range: { readonly start: number; readonly end: number },
    params: Params,
    wanted: ReadonlySet<number>,
  ): Promise<Map<number, { readonly data: Uint8Array; readonly size: Size }>> {
    const kept = new Map<number, { data: Uint8Array; size: Size }>();
    const { template } = this;
    const { rendition, signal } = this.options;
    await this.renderer.capture(
      { template, params, rendition, scene: range },
      ({ index, data }, size) => {
        if (wanted.has(index)) kept.set(index, { data: new Uint8Array(data), size });
      },
      { signal },
    );
    return kept;
  }

  private async picture(scene: Scene, frame: number, is: Params, shown: Params): Promise<Uint8Array> {
    const range = { start: scene.start, end: frame + 1 };
    const [left, right] = [
      (await this.frames(range, is, new Set([frame]))).get(frame),
      (await this.frames(range, shown, new Set([frame]))).get(frame),
    ];
    if (left === undefined || right === undefined) throw new Failure('Internal', `Frame ${frame} was not drawn.`);
    return await sideBySide(left.data, right.data, left.size);
  }
}

function isOtherPicture(data: Uint8Array, expected: Uint8Array): boolean {
  let others = 0;
  for (let at = 0; at < data.byteLength; at += 1) {
    if (Math.abs((data[at] ?? 0) - (expected[at] ?? 0)) > JOIN.levels) others += 1;
  }
  return others > data.byteLength * JOIN.share;
}
