/** What is put into a template's page before its own scripts run. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Params } from '../../contracts/video.ts';
import type { Template } from '../../templates/template.ts';
import type { Size } from '../geometry.ts';

const injected = (name: string): string => readFileSync(new URL(`./inject/${name}`, import.meta.url), 'utf8');
const stageOnly = (script: string): string => `if (window.__nightreelIsStage) {\n${script}\n}`;

/** The runtime's own timers are none of the template's: they go on while frames are drawn. */
const withOwnTimers = (script: string): string => {
  const names = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
  const originals = names.map((name) => `window.__HF_VIRTUAL_TIME__.original${name[0]?.toUpperCase()}${name.slice(1)}`);
  const inner = script.replaceAll(/\b(?:window|[a-z])\.((?:set|clear)(?:Timeout|Interval))\(/g, '$1(');
  return `((${names.join(', ')}) => {\n${inner}\n})(${originals.join(', ')});`;
};

const runtimePath = createRequire(import.meta.url).resolve('@hyperframes/core/runtime');
const EVERY_FRAME = ['stage-frame.js', 'virtual-time.js', 'timers.js', 'isolation.js', 'videos.js', 'motion.js'].map(
  injected,
);
const RUNTIME = stageOnly(withOwnTimers(readFileSync(runtimePath, 'utf8')));
const BRIDGE = stageOnly(injected('bridge.js'));

/** The page around a template. */
export const STAGE_HTML: string = injected('stage.html');

const PAGE_SCRIPTS: readonly string[] = [...EVERY_FRAME, RUNTIME, BRIDGE];

/** One script for every new document of a page, the same for all templates. Like the stage, it can change a picture. */
export const ENGINE_SCRIPT: string = [
  'window.__hf = window.__hf ?? {}; window.__timelines = window.__timelines ?? {}; window.__HF_RENDER_CAPTURE_MODE = true;',
  ...PAGE_SCRIPTS,
].join('\n;\n');

/** What a page is told of a video's file, which it does not get. */
export interface FilmFacts extends Size {
  readonly seconds: number;
}

/**
 * What the HyperFrames runtime and the engine's own script have to know of a template. `variables`: the params of a stock
 * composition. `films`: by path; null leaves every <video> to the browser.
 */
export function templateScript(
  template: Pick<Template, 'fps' | 'timelineIds'>,
  variables: Params | null,
  films: Readonly<Record<string, FilmFacts>> | null,
): string {
  const seekConfig = {
    mode: 'preview-phase',
    diagnostics: false,
    step: 1 / 120,
    offsetFraction: 0.5,
    fps: template.fps,
    fpsSource: 'render-options',
    owner: 'runtime',
  };
  const settings = { __HF_EXPORT_RENDER_SEEK_CONFIG: seekConfig, __nightreelTimelineIds: template.timelineIds };
  const facts = films === null ? {} : { __nightreelFilms: films };
  const config = `Object.assign(window, ${JSON.stringify({ ...settings, ...facts })});`;
  return variables === null ? config : `${config}\nwindow.__hfVariables = ${JSON.stringify(variables)};`;
}
