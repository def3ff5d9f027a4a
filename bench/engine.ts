/** All that the benches know of the engine: how to start it, and how to get at one browser of it. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../src/config/package.ts';
import { findTools } from '../src/config/tools.ts';
import { type Params, RENDITIONS, type RenditionId } from '../src/contracts/video.ts';
import { profileRoot } from '../src/rendering/browser/profiles.ts';
import { type CaptureChoice, candidatesFor, chooseRoute } from '../src/rendering/capture/probe.ts';
import { type RenderedVideo, Renderer } from '../src/rendering/renderer.ts';
import { Films } from '../src/rendering/video/films.ts';
import { WarmBrowser } from '../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../src/templates/template.ts';
import { TEMPLATE_FILE } from '../src/templates/template-file.ts';

export const ROOT = PACKAGE_ROOT;

const ignore = (): void => undefined;
const say = (details: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(details)}\n`);
};
const log = { debug: ignore, info: ignore, warn: ignore, error: say };

/** One of bench/pages or templates/, or a folder. */
export async function openPage(name: string): Promise<Template> {
  const folders = [join(ROOT, 'bench/pages', name), join(ROOT, 'templates', name), name];
  return await loadTemplate(folders.find((folder) => existsSync(join(folder, TEMPLATE_FILE))) ?? name);
}

export const startRenderer = (template: Template, slots: number, capture: CaptureChoice = 'auto'): Promise<Renderer> =>
  Renderer.start({ tools: findTools(), slots, template, capture, log });

export interface Job {
  readonly template: Template;
  readonly params?: Params;
  readonly rendition?: RenditionId;
}

export const renderOne = (
  renderer: Renderer,
  { template, params = template.example, rendition = 'web-1080p' }: Job,
  signal: AbortSignal,
): Promise<RenderedVideo> => renderer.render({ template, params, rendition: RENDITIONS[rendition] }, { signal });

/** Starts single browsers on the route that the renderer would take. */
export async function browserLauncher(signal: AbortSignal): Promise<() => Promise<WarmBrowser>> {
  const options = {
    films: new Films({ ffmpeg: findTools().ffmpeg }),
    profileRoot: profileRoot(),
    callLimitMs: 30_000,
    deadlines: { loadMs: 15_000, paramsMs: 5_000 },
    log,
  };
  const { candidate, browser } = await chooseRoute(
    candidatesFor(findTools(), 'auto'),
    (one) => WarmBrowser.launch({ ...one, ...options }, signal),
    log,
    signal,
  );
  await browser[Symbol.asyncDispose]();
  return () => WarmBrowser.launch({ ...candidate, ...options }, signal);
}
