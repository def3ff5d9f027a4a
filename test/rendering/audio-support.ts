/** What tests of sound share: a template open in a real page, sounds made and heard by a real ffmpeg. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import puppeteer, { type Page } from 'puppeteer';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import type { Params } from '../../src/contracts/video.ts';
import type { AudioClip } from '../../src/rendering/audio/clips.ts';
import { lengthOf, type Pcm, pcmOf, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import { pathAt } from '../../src/rendering/page/origin.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';

export const withAudio = (): Promise<Template> =>
  loadTemplate(join(import.meta.dirname, '../fixtures/templates/with-audio'));
export const never = new AbortController().signal;
export const { ffmpeg } = findTools();

const RUNTIME = readFileSync(createRequire(import.meta.url).resolve('@hyperframes/core/runtime'), 'utf8');

/** A template and HyperFrames' runtime in a Chromium that goes with the returned value. */
export async function openedPage(template: Template): Promise<
  {
    readonly page: Page;
    /** What `readClips` needs of the engine's DevTools session. */
    readonly devtools: { readonly evaluate: (expression: string) => Promise<unknown> };
    readonly apply: (params: Params) => Promise<void>;
  } & AsyncDisposable
> {
  const { headlessShell, chromium } = findTools();
  const browser = await puppeteer.launch({
    executablePath: headlessShell ?? chromium,
    headless: headlessShell === undefined ? true : 'shell',
    args: ['--no-sandbox', '--disable-gpu', '--mute-audio'],
    pipe: true,
  });
  const page = (await browser.pages())[0] ?? (await browser.newPage());
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const bytes = template.files.get(pathAt(request.url()) ?? '');
    void (bytes === undefined ? request.abort() : request.respond({ body: bytes }));
  });
  await page.evaluateOnNewDocument(`window.__timelines = {}; window.__HF_RENDER_CAPTURE_MODE = true;\n${RUNTIME}`);
  await page.goto(`https://template.invalid/${template.entryPath}`, { waitUntil: 'load' });
  await page.waitForFunction('window.__playerReady');
  return {
    page,
    devtools: { evaluate: (expression) => page.evaluate(expression) },
    apply: async (params) => {
      await page.evaluate(`new Promise((done) => {
        window.addEventListener('hf-params-ready', done, { once: true });
        window.postMessage({ type: 'hf-params', params: ${JSON.stringify(params)} }, '*');
      }).then(() => undefined)`);
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Runs ffmpeg with bytes in and bytes out; throws with its words when it fails. */
export async function runTool(program: string, options: readonly string[], input: Uint8Array): Promise<Buffer> {
  const child = spawn(program, ['-v', 'error', ...options]);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`${program} ${options.join(' ')}: ${Buffer.concat(err)}`);
  return Buffer.concat(out);
}

/** The sound of a video as a player plays it, edit list and all. */
export const heard = async (mp4: Uint8Array): Promise<Pcm> =>
  pcmOf(await runTool(ffmpeg, ['-i', 'pipe:0', '-vn', '-f', 'f32le', '-ar', '48000', '-ac', '2', 'pipe:1'], mp4));

/** Frames of colour bars as a fragmented MP4, with as many video tracks as sizes are asked for. */
export const pictures = (frames: number, fps: number, sizes: readonly string[] = ['64x36']): Promise<Buffer> =>
  runTool(
    ffmpeg,
    [
      ...sizes.flatMap((size) => ['-f', 'lavfi', '-i', `testsrc=s=${size}:r=${fps}:d=${frames / fps}`]),
      ...sizes.flatMap((_, index) => ['-map', `${index}:v`]),
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1', '-pix_fmt', 'yuv420p'],
      // B-frames whatever is shown: packets come in another order than pictures.
      ...['-x264-params', 'bframes=2:b-adapt=0', '-g', '16', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
      ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4', 'pipe:1'],
    ],
    Buffer.alloc(0),
  );

export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`expected a Failure, got ${String(error)}`);
  return error;
}

/** The second at which sound first reaches a tenth of full scale. */
export function onsetOf(pcm: Pcm, from = 0): number {
  for (let i = Math.round(from * SAMPLE_RATE); i < lengthOf(pcm); i++) {
    if (Math.abs(pcm[2 * i] ?? 0) > 0.1) return i / SAMPLE_RATE;
  }
  throw new Error('there is no sound');
}

export function rmsBetween(pcm: Pcm, from: number, to: number): number {
  const part = pcm.subarray(Math.round(from * SAMPLE_RATE) * 2, Math.round(to * SAMPLE_RATE) * 2);
  return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
}

/** A clip without a page, as `readClips` would make it. */
export const clipOf = (bytes: Uint8Array, extras: Partial<AudioClip> = {}): AudioClip => ({
  source: { bytes, digest: Buffer.from(bytes).toString('base64').slice(0, 200) + bytes.byteLength },
  start: 0,
  limit: 2 * SAMPLE_RATE,
  sourceStart: 0,
  loops: false,
  rate: 1,
  envelope: { volume: 1, groupVolume: 1, fadeInSeconds: 0, fadeOutSeconds: 0, lane: null },
  claimsAudio: true,
  wrong: (what, cause) => new Failure('TemplateInvalid', what, { cause }),
  ...extras,
});
