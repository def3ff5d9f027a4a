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

/** Says what is wrong, and where below template.json's root. It may throw; when it returns, the next flaw is looked for. */
export type ReportScene = (what: string, path: readonly (string | number)[]) => void;

/** The declared scenes in order; none when the template declares none. Throws what `invalid` makes of the first flaw. */
export function readScenes(declaration: SceneDeclaration, invalid: (what: string) => Error): Scene[] {
  return walkScenes(declaration, (what) => {
    throw invalid(what);
  });
}

/**
 * Reports every flaw: a scene that overlaps, leaves a gap or has no whole number of frames, a param that there is not. What
 * it returns is worth something when nothing was reported.
 */
export function walkScenes(declaration: SceneDeclaration, report: ReportScene): Scene[] {
  const { scenes, soundtrack, contract, fps, frameCount, paramNames } = declaration;
  const checkParams = (whose: string, names: readonly string[], path: readonly (string | number)[]): void => {
    for (const [index, name] of names.entries()) {
      const at = [...path, 'params', index];
      if (!paramNames.includes(name)) report(`${whose} names param '${name}', which the schema does not have.`, at);
      else if (names.indexOf(name) !== index) report(`${whose} names param '${name}' twice.`, at);
    }
  };
  if (soundtrack !== undefined && scenes === undefined) {
    report('soundtrack says which params are heard in it, which only templates with scenes need.', ['soundtrack']);
  }
  if (scenes === undefined) return [];
  if (contract === 'stock') {
    report("a template with contract 'stock' takes all params as it loads; it cannot have scenes.", ['scenes']);
  }
  checkParams('soundtrack', soundtrack?.params ?? [], ['soundtrack']);

  const read: Scene[] = [];
  let next = 0;
  for (const [index, { id, start, duration, params }] of scenes.entries()) {
    const path = ['scenes', index] as const;
    const frames = (what: 'start' | 'duration', value: number | string): number | null => {
      const count = framesOf(value, fps);
      if (count === null) {
        const said = JSON.stringify(value);
        report(`scene '${id}' has ${what} ${said}, no whole number of frames at ${fps} a second.`, [...path, what]);
      }
      return count;
    };
    const [from, length] = [frames('start', start), frames('duration', duration)];
    if (read.some((scene) => scene.id === id)) report(`there are two scenes '${id}'.`, [...path, 'id']);
    checkParams(`scene '${id}'`, params, path);
    // Where it ends is not known, so nothing can be said of what comes after it.
    if (from === null || length === null) return read;
    if (length === 0) report(`scene '${id}' has no frame.`, [...path, 'duration']);
    if (from < next) {
      const what = `scene '${id}' begins at frame ${from}, before the end of the one before (${next}).`;
      report(what, [...path, 'start']);
    }
    if (from > next) report(`no scene has the frames from ${next} to ${from - 1}, before '${id}'.`, [...path, 'start']);
    if (from + length > frameCount) {
      const what = `scene '${id}' ends after frame ${from + length - 1}; the last one is ${frameCount - 1}.`;
      report(what, [...path, 'duration']);
    }
    read.push({ id, start: from, end: from + length, params });
    next = Math.max(next, from + length);
  }
  if (next < frameCount) {
    report(`no scene has the frames from ${next} to ${frameCount - 1}, at the end.`, ['scenes', scenes.length - 1]);
  }
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
