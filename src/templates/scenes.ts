/** Scenes: the parts of a video that are rendered once for everyone whose declared params are the same. */

import type { Params } from '../contracts/video.ts';
import type { TemplateFile } from './template-file.ts';

/** Frames from `start` up to, not including, `end`, and the only params that may be seen in them. */
export interface Scene {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly params: readonly string[];
}

/** What scenes are read from: the part of `template.json` that concerns them. */
export type SceneDeclaration = Pick<TemplateFile, 'scenes' | 'soundtrack' | 'contract' | 'fps'> & {
  readonly paramNames: readonly string[];
  readonly frameCount: number;
};

/** An exact number of seconds: `"2.4s"`. */
const SECONDS = /^(\d+)(?:\.(\d+))?s$/;

/**
 * The declared scenes in order; none when the template declares none. Throws what `invalid` makes of the first thing that is
 * wrong: a scene that overlaps, leaves a gap or has no whole number of frames, a param that there is not.
 */
export function readScenes(declaration: SceneDeclaration, invalid: (what: string) => Error): Scene[] {
  const { scenes, soundtrack, contract, fps, frameCount, paramNames } = declaration;
  const checkParams = (whose: string, names: readonly string[]): void => {
    const unknown = names.find((name) => !paramNames.includes(name));
    if (unknown !== undefined) throw invalid(`${whose} names param '${unknown}', which the schema does not have.`);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw invalid(`${whose} names param '${twice}' twice.`);
  };
  if (soundtrack !== undefined && scenes === undefined) {
    throw invalid('soundtrack says which params are heard in it, which only templates with scenes need.');
  }
  if (scenes === undefined) return [];
  if (contract === 'stock') {
    throw invalid("a template with contract 'stock' takes all params as it loads; it cannot have scenes.");
  }
  checkParams('soundtrack', soundtrack?.params ?? []);

  const read: Scene[] = [];
  let next = 0;
  for (const { id, start, duration, params } of scenes) {
    const frames = (what: 'start' | 'duration', value: number | string): number => {
      const count = framesOf(value, fps);
      if (count !== null) return count;
      throw invalid(
        `scene '${id}' has ${what} ${JSON.stringify(value)}, no whole number of frames at ${fps} a second.`,
      );
    };
    const [from, length] = [frames('start', start), frames('duration', duration)];
    if (read.some((scene) => scene.id === id)) throw invalid(`there are two scenes '${id}'.`);
    if (length === 0) throw invalid(`scene '${id}' has no frame.`);
    if (from < next)
      throw invalid(`scene '${id}' begins at frame ${from}, before the end of the one before (${next}).`);
    if (from > next) throw invalid(`no scene has the frames from ${next} to ${from - 1}, before '${id}'.`);
    if (from + length > frameCount) {
      throw invalid(`scene '${id}' ends after frame ${from + length - 1}; the last one is ${frameCount - 1}.`);
    }
    checkParams(`scene '${id}'`, params);
    read.push({ id, start: from, end: from + length, params });
    next = from + length;
  }
  if (next < frameCount) throw invalid(`no scene has the frames from ${next} to ${frameCount - 1}, at the end.`);
  return read;
}

/** Pure. Whole frames of a count of frames or of a text of seconds, in integer arithmetic; null when they are not whole. */
function framesOf(value: number | string, fps: number): number | null {
  if (typeof value === 'number') return value;
  const [, whole = '', fraction = ''] = SECONDS.exec(value) ?? [];
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * BigInt(fps);
  return scaled % scale === 0n ? Number(scaled / scale) : null;
}

/** A bag of params in which only some are the recipient's; everything else is as in the placeholder. */
export function declaredParams(placeholder: Params, names: readonly string[], params: Params): Params {
  const shown: Record<string, unknown> = { ...placeholder };
  for (const name of names) {
    if (Object.hasOwn(params, name)) shown[name] = params[name];
    else delete shown[name];
  }
  return shown;
}
