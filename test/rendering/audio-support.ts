/** What tests of sound share: a template open in a real page, sounds made and heard by a real ffmpeg. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import type { Params } from '../../src/contracts/video.ts';
import type { AudioClip } from '../../src/rendering/audio/clips.ts';
import { lengthOf, type Pcm, pcmOf, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import type { DevTools } from '../../src/rendering/browser/devtools.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { TemplatePage } from '../../src/rendering/page/template-page.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { keptLog } from './support.ts';

export { failureOf } from './support.ts';

export const withAudio = (): Promise<Template> =>
  loadTemplate(join(import.meta.dirname, '../fixtures/templates/with-audio'));
export const never = new AbortController().signal;
export const { ffmpeg } = findTools();

/** A template in the engine's own page, in a Chromium that goes with the returned value. */
export async function openedPage(template: Template): Promise<
  {
    readonly devtools: DevTools;
    /** Runs an expression in the template's own frame. */
    readonly evaluate: (expression: string) => Promise<unknown>;
    readonly apply: (params: Params) => Promise<void>;
  } & AsyncDisposable
> {
  const { headlessShell, chromium = '' } = findTools();
  const kind = headlessShell === undefined ? 'full' : 'shell';
  const window = { width: 640, height: 360 };
  const options = { executable: headlessShell ?? chromium, kind, route: 'screenshot', window } as const;
  const log = keptLog();
  const browser = await ChromiumBrowser.launch(
    { ...options, profileRoot: profileRoot(), callLimitMs: 60_000, log },
    never,
  );
  try {
    const { devtools } = browser;
    // Chromium draws by itself here, so there is nothing to do for a page that waits for that.
    const drawing = { settle: <T>(work: Promise<T>): Promise<T> => work };
    const deadlines = { loadMs: 30_000, paramsMs: 30_000, frameMs: 30_000 };
    const page = await TemplatePage.create(browser, drawing, { deadlines, log });
    await page.open(template, template.example);
    return {
      devtools,
      evaluate: (expression) =>
        devtools.evaluate(`nightreelStage.document.defaultView.eval(${JSON.stringify(expression)})`),
      apply: (params) => page.open(template, params),
      [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
    };
  } catch (error) {
    await browser[Symbol.asyncDispose]();
    throw error;
  }
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
