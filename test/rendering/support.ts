/** What tests of the engine share: fixtures, a renderer that is started and ended, a look at pixels and processes. */

import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { RENDITIONS, type RenditionId } from '../../src/contracts/video.ts';
import type { Soundtrack } from '../../src/rendering/audio/soundtrack.ts';
import type { CaptureRoute } from '../../src/rendering/browser/flags.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import type { FrameSource } from '../../src/rendering/capture/frame-source.ts';
import { candidatesFor } from '../../src/rendering/capture/probe.ts';
import { assemble } from '../../src/rendering/mp4/assemble.ts';
import { type ReadClipOptions, readClip } from '../../src/rendering/mp4/clip.ts';
import { type RenderedVideo, Renderer, type RendererOptions } from '../../src/rendering/renderer.ts';
import { WarmBrowser, type WarmBrowserOptions } from '../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const FIXTURES = join(ROOT, 'test/fixtures/templates');

/** A template of test/fixtures/templates. */
export const fixture = (name: string): Promise<Template> => loadTemplate(join(FIXTURES, name));

/** A fixture beside the GSAP that it asks for, in a folder that goes with the returned value. */
export async function gsapFixture(
  name: 'stock' | 'throws-in-timeline',
): Promise<{ template: Template } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-stock-'));
  await cp(join(FIXTURES, name), folder, { recursive: true });
  await cp(join(ROOT, 'node_modules/gsap/dist/gsap.min.js'), join(folder, 'gsap.min.js'));
  const template = await loadTemplate(folder);
  return { template, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** The fixture `tiny` with other code where it takes params, in a folder that goes with the returned value. */
export async function tinyThat(onParams: string): Promise<{ template: Template } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-tiny-'));
  await cp(join(FIXTURES, 'tiny'), folder, { recursive: true });
  const page = join(folder, 'index.html');
  const html = await readFile(page, 'utf8');
  await writeFile(
    page,
    html.replace('const apply = (params) => {', (found) => `${found} ${onParams}`),
  );
  const template = await loadTemplate(folder);
  return { template, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** A log that keeps its lines. */
export function keptLog() {
  const lines: { readonly level: string; readonly message: string }[] = [];
  const at = (level: string) => (_details: object, message: string) => void lines.push({ level, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One browser on a route, with patience for a busy machine. */
export async function launchOn(
  route: CaptureRoute,
  options: Partial<Pick<WarmBrowserOptions, 'xvfb' | 'frame' | 'films'>> = {},
): Promise<WarmBrowser> {
  const [candidate] = candidatesFor(findTools(), route);
  if (candidate === undefined) throw new Error(`route ${route} cannot be tested here`);
  const limits = { callLimitMs: 60_000, deadlines: { loadMs: 60_000, paramsMs: 30_000 } };
  const all = { ...candidate, ...limits, ...options, profileRoot: profileRoot(), log: keptLog() };
  return await WarmBrowser.launch(all, new AbortController().signal);
}

/** The planes of one frame, taken by itself. */
export async function pictureOf(source: FrameSource, index: number): Promise<Buffer> {
  for await (const { data } of source.frames({ start: index, end: index + 1 }, new AbortController().signal)) {
    return Buffer.from(data);
  }
  throw new Error('no frame came');
}

export const startRenderer = (template: Template, options: Partial<RendererOptions> = {}): Promise<Renderer> =>
  Renderer.start({ tools: findTools(), slots: 1, template, log: keptLog(), ...options });

/** A track of what ffmpeg wrote, as a video of its own. */
export async function remux(
  fragmented: Uint8Array,
  { audio = null, ...options }: ReadClipOptions & { readonly audio?: Soundtrack | null },
): Promise<Uint8Array> {
  return await assemble([await readClip(fragmented, options)], { audio });
}

export interface RenderExtras {
  readonly params?: Record<string, unknown>;
  readonly rendition?: RenditionId;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly frame: number; readonly frameCount: number }) => void;
}

export const render = (renderer: Renderer, template: Template, extras: RenderExtras = {}): Promise<RenderedVideo> =>
  renderer.render(
    { template, params: extras.params ?? template.example, rendition: RENDITIONS[extras.rendition ?? 'email-480p'] },
    { signal: extras.signal ?? new AbortController().signal, onProgress: extras.onProgress },
  );

export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`expected a Failure, got ${String(error)}`);
  return error;
}

/** One frame of a video as a player would show it: RGB, three bytes a pixel. */
export async function decodeFrame(video: Uint8Array, index: number): Promise<Buffer> {
  const filter = `select=eq(n\\,${index}),scale=in_color_matrix=bt709:in_range=limited:out_range=full,format=rgb24`;
  const child = spawn(findTools().ffmpeg, [
    '-v',
    'error',
    '-i',
    'pipe:0',
    '-vf',
    filter,
    '-frames:v',
    '1',
    '-f',
    'rawvideo',
    'pipe:1',
  ]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(video);
  await new Promise((done) => child.once('close', done));
  return Buffer.concat(chunks);
}

export const pixelAt = (rgb: Buffer, width: number, x: number, y: number): number[] => [
  ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** Everything that descends from a process, by pid, with its command line. */
export function descendantsOf(pid: number): Map<number, string> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = textOf(`/proc/${name}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== undefined && state !== 'Z' && parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Map<number, string>();
  const walk = (from: number): void => {
    for (const [child, parent] of parents) {
      if (parent !== from) continue;
      found.set(child, textOf(`/proc/${child}/cmdline`).replaceAll('\0', ' '));
      walk(child);
    }
  };
  walk(pid);
  return found;
}

/** Of what descends from a process: the browsers themselves, not the processes that they are made of. */
export const browsersOf = (pid: number): number[] =>
  [...descendantsOf(pid)]
    .filter(([, command]) => command.includes('--user-data-dir') && !command.includes('--type='))
    .map(([child]) => child);

export const isAlive = (pid: number): boolean =>
  !/\) Z /.test(textOf(`/proc/${pid}/stat`)) && textOf(`/proc/${pid}/stat`) !== '';

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until a condition holds; throws after `limitMs`. */
export async function until(what: string, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true in ${limitMs} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Runs the command line as a user would. */
export async function nightreel(
  args: readonly string[],
  cwd = ROOT,
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(join(ROOT, 'bin/nightreel'), [...args], { cwd });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
