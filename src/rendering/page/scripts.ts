/** What is put into a template's page before its own scripts run. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Params } from '../../contracts/video.ts';
import type { Template } from '../../templates/template.ts';

const injected = (name: string): string => readFileSync(new URL(`./inject/${name}`, import.meta.url), 'utf8');
const topFrameOnly = (script: string): string => `if (window === window.top) {\n${script}\n}`;

const runtimePath = createRequire(import.meta.url).resolve('@hyperframes/core/runtime');
const VIRTUAL_TIME = injected('virtual-time.js');
const RUNTIME = topFrameOnly(readFileSync(runtimePath, 'utf8'));
const BRIDGE = topFrameOnly(injected('bridge.js'));

/** Everything here that can change a picture: part of the engine's fingerprint. */
export const PAGE_SCRIPTS: readonly string[] = [VIRTUAL_TIME, RUNTIME, BRIDGE];

/** Scripts for a new document, in their order. `variables`: the params of a stock composition. */
export function scriptsFor(template: Template, variables: Params | null): string[] {
  const seekConfig = {
    mode: 'preview-phase',
    diagnostics: false,
    step: 1 / 120,
    offsetFraction: 0.5,
    fps: template.fps,
    fpsSource: 'render-options',
    owner: 'runtime',
  };
  return [
    'window.__hf = window.__hf ?? {}; window.__timelines = window.__timelines ?? {}; window.__HF_RENDER_CAPTURE_MODE = true;',
    ...(variables === null ? [] : [`window.__hfVariables = ${JSON.stringify(variables)};`]),
    VIRTUAL_TIME,
    `window.__HF_EXPORT_RENDER_SEEK_CONFIG = ${JSON.stringify(seekConfig)};`,
    RUNTIME,
    BRIDGE,
  ];
}
