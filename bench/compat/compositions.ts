/** HyperFrames compositions of our own, one for each thing that moves a page, beside the libraries that they ask for. */

import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Params } from '../../src/contracts/video.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { ROOT } from '../engine.ts';

/** What each is for, by its folder in test/fixtures/compositions. */
export const COMPOSITIONS: Readonly<Record<string, string>> = {
  gsap: 'a GSAP timeline, staggered',
  'css-animation': 'CSS animations, of a pseudo-element too; no script',
  'web-animations': '`element.animate()` with delays',
  anime: 'anime.js 4',
  lottie: 'Lottie (SVG), from a JSON file',
  three: 'Three.js (WebGL), drawn on `hf-seek`',
  raf: 'a canvas and `requestAnimationFrame`, 24 frames per second',
  d3: 'D3: scales, shapes and easing',
  nested: 'two `data-composition-src`, one with `data-variable-values`',
  clips: 'clips with `data-start` and `data-duration`, a picture',
  variables: '`data-composition-variables`, `data-var-text`, `data-var-src`, CSS variables',
  audio: '`<audio>` clips, one in a loop',
  svg: 'an SVG with gradient, mask and a line that draws itself',
  video: '`<video>` clips of one file: cut, faster, in a loop, held at its end',
  films: '`<video>` clips of a turned H.264 and a transparent VP9 film, 25 and 24 frames per second',
  smil: 'SMIL: `<animate>`',
};

/** Instead of the defaults, where a composition takes variables. */
const PARAMS: Readonly<Record<string, Params>> = {
  variables: { name: 'Ada', count: 7, accent: '#e04070', shape: 'square', badge: 'ring.svg', shout: true },
};

/** Files of npm packages, by the name that a composition asks for. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'gsap.min.js': 'gsap/dist/gsap.min.js',
  'anime.umd.min.js': 'animejs/dist/bundles/anime.umd.min.js',
  'lottie_svg.min.js': 'lottie-web/build/player/lottie_svg.min.js',
  'd3.min.js': 'd3/dist/d3.min.js',
  'three.module.min.js': 'three/build/three.module.min.js',
  'three.core.min.js': 'three/build/three.core.min.js',
};
/** What a library asks for itself. */
const PARTS: Readonly<Record<string, string>> = { 'three.module.min.js': 'three.core.min.js' };

export interface OpenComposition {
  readonly name: string;
  /** The folder that an author would have. */
  readonly folder: string;
  readonly template: Template;
  readonly params: Params;
}

/** One of them in a folder of its own, which goes with the returned value. */
export async function openComposition(name: string): Promise<OpenComposition & AsyncDisposable> {
  const parent = await mkdtemp(join(tmpdir(), 'nightreel-composition-'));
  const folder = join(parent, name);
  await cp(join(ROOT, 'test/fixtures/compositions', name), folder, { recursive: true });
  const pages = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.html'));
  const html = (await Promise.all(pages.map((path) => readFile(join(folder, path), 'utf8')))).join('\n');
  const asked = Object.keys(LIBRARIES).filter((library) => html.includes(library));
  const packages = dirname(dirname(createRequire(import.meta.url).resolve('gsap/package.json')));
  for (const library of asked.flatMap((one) => [one, PARTS[one] ?? []].flat())) {
    await cp(join(packages, LIBRARIES[library] ?? ''), join(folder, library));
  }
  const template = await loadTemplate(folder);
  const params = PARAMS[name] ?? template.example;
  return { name, folder, template, params, [Symbol.asyncDispose]: () => rm(parent, { recursive: true }) };
}
