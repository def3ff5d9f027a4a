/** A template as the engine takes it: read once, checked, its files in memory, with the digest of what decides pixels. */

import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import { digestOf, readTemplateFiles } from './files.ts';
import { compileParams, type ParamsCheck } from './params.ts';
import { readScenes, type Scene } from './scenes.ts';
import { frameCountOf, readTemplateFile, type TemplateFile } from './template-file.ts';
import { timelinesIn } from './timelines.ts';

export interface Template {
  readonly id: string;
  readonly title: string;
  /** The folder it was read from. */
  readonly folder: string;
  /** The file in it that describes the template: template.json, or the HTML of a composition without one. */
  readonly source: string;
  /** The HTML file, relative to the folder. */
  readonly entryPath: string;
  readonly html: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly durationMs: number;
  readonly frameCount: number;
  /** `warm`: takes params by message in a loaded page; `stock`: is loaded afresh with `__hfVariables`. */
  readonly contract: TemplateFile['contract'];
  /** How much of the picture most frames change, which decides how it is drawn. */
  readonly repaints: TemplateFile['repaints'];
  /** Of a stock composition: IDs of the compositions in it that register a timeline; null: each must. */
  readonly timelineIds: readonly string[] | null;
  /** Families that must have loaded from the template itself, each in these weights. */
  readonly fonts: readonly { readonly family: string; readonly weights: readonly number[] }[];
  /** Frame of the poster; null: the frame with the most detail. */
  readonly posterFrame: number | null;
  /** In order and without a gap; none: the template is rendered whole. */
  readonly scenes: readonly Scene[];
  /** Of a template with scenes: the params that its sound depends on. */
  readonly soundtrackParams: readonly string[];
  /** JSON Schema, draft 2020-12. */
  readonly paramsSchema: Readonly<Record<string, unknown>>;
  readonly example: Params;
  readonly placeholder: Params;
  /** Every file that the page can ask for, by path relative to the folder. What is not here does not exist for it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** sha256 hex over everything in the folder that can decide pixels. */
  readonly digest: string;
  validateParams(params: unknown): ParamsCheck;
}

/**
 * Reads and checks a template's folder; `composition`: an HTML file in it that is rendered as a HyperFrames composition. Failure
 * `TemplateInvalid` names the file and what is wrong with it.
 */
export async function loadTemplate(folder: string, composition?: string): Promise<Template> {
  const { file, path } = await readTemplateFile(folder, composition);
  const files = await readTemplateFiles(folder);
  const invalid = (what: string) => new Failure('TemplateInvalid', `${path}: ${what}`);

  const entry = files.get(file.entry);
  if (entry === undefined) throw invalid(`entry '${file.entry}' is not a file of the template.`);
  const frameCount = frameCountOf(file);
  if (frameCount === null) {
    throw invalid(`durationMs ${file.durationMs} is not a whole number of frames at ${file.fps} frames per second.`);
  }
  if (file.posterMs !== undefined && file.posterMs >= file.durationMs) throw invalid('posterMs is after the end.');

  const validateParams = compileParams(file.params, (what) => invalid(`params ${what}`));
  for (const name of ['example', 'placeholder'] as const) {
    const check = validateParams(file[name]);
    if (!check.ok) throw invalid(`${name} does not fit the params schema: ${check.path} ${check.reason}.`);
  }

  const paramNames = Object.keys(file.params['properties'] ?? {});
  const scenes = readScenes({ ...file, frameCount, paramNames }, invalid);

  return {
    id: file.id,
    title: file.title ?? file.id,
    folder,
    source: path,
    entryPath: file.entry,
    html: Buffer.from(entry).toString('utf8'),
    width: file.width,
    height: file.height,
    fps: file.fps,
    durationMs: file.durationMs,
    frameCount,
    contract: file.contract,
    repaints: file.repaints,
    timelineIds: file.contract === 'stock' ? timelinesIn(files) : null,
    fonts: file.fonts,
    posterFrame: file.posterMs === undefined ? null : Math.floor((file.posterMs * file.fps) / 1000),
    scenes,
    soundtrackParams: file.soundtrack?.params ?? [],
    paramsSchema: file.params,
    example: file.example,
    placeholder: file.placeholder,
    files,
    digest: digestOf(file, files),
    validateParams,
  };
}
