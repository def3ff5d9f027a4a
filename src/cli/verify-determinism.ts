/** `nightreel render --verify-determinism`: the same render once more in a process of its own, and what differs. */

import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { CODE_EXTENSION } from '../config/package.ts';
import { environmentWith, type Tools } from '../config/tools.ts';
import type { EngineFingerprint } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import { spawnTied } from '../rendering/browser/tied-process.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import type { EncoderName } from '../rendering/encode/options.ts';
import type { RenderedVideo } from '../rendering/renderer.ts';
import type { Template } from '../templates/template.ts';
import { differingFrames, framesText, pictureDigests } from './video-difference.ts';

/** A render, and what came of it here. */
export interface FirstRender {
  readonly template: Template;
  readonly params: Params;
  readonly capture: CaptureChoice;
  readonly encoder: EncoderName;
  readonly tools: Tools;
  readonly videos: readonly RenderedVideo[];
  readonly fingerprint: EngineFingerprint;
}

/** What the second render came to, next to the first. */
export interface Comparison {
  /** Null when everything is equal; else the sentences that say what is not. */
  readonly difference: string | null;
  /** For people. */
  readonly lines: readonly string[];
  readonly json: object;
}

const resultSchema = z.object({
  videos: z.array(z.object({ out: z.string(), rendition: z.string(), sha256: z.string() })),
  fingerprint: z.looseObject({ digest: z.string(), captureRoute: z.string() }),
});
type SecondRender = z.infer<typeof resultSchema>;

/** Renders again: another process, another working directory, another folder for temporary files. */
export async function compareWithFresh(first: FirstRender, signal: AbortSignal): Promise<Comparison> {
  // Short: Chromium makes sockets below, and the path of a socket has at most 107 characters.
  const folder = await mkdtemp(join(tmpdir(), 'nr-'));
  try {
    const second = await renderFresh(first, folder, signal);
    const pairs = first.videos.map((video) => {
      const other = second.videos.find(({ rendition }) => rendition === video.rendition.id);
      if (other === undefined) throw new Failure('Internal', `The second process wrote no ${video.rendition.id}.`);
      return { video, other, equal: other.sha256 === video.sha256 };
    });
    const sentences: string[] = [];
    const changed = changedFields(first.fingerprint, second.fingerprint);
    if (changed.length > 0) sentences.push(`The two processes have different engines: ${changed.join('; ')}.`);
    const compared: object[] = [];
    for (const { video, other, equal } of pairs) {
      const frames = equal ? [] : await framesThatDiffer(first, video, other.out, folder, signal);
      if (!equal) sentences.push(sentenceOf(video, frames));
      compared.push({
        ...{ rendition: video.rendition.id, sha256: [video.sha256, other.sha256], equal },
        ...(equal ? {} : { differingFrames: frames }),
      });
    }
    const lines = pairs.map(({ video, other, equal }) =>
      equal
        ? `${video.rendition.id}: the same bytes in both processes, sha256 ${video.sha256}`
        : `${video.rendition.id}: sha256 ${video.sha256} here, ${other.sha256} in the second process`,
    );
    const { digest } = first.fingerprint;
    const [mine, its] = [digest, second.fingerprint.digest];
    lines.push(mine === its ? `engine ${mine} in both` : `engine ${mine} here, ${its} in the second process`);
    const difference = sentences.length === 0 ? null : sentences.join(' ');
    return { difference, lines, json: { equal: difference === null, engines: [mine, its], videos: compared } };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function renderFresh(first: FirstRender, folder: string, signal: AbortSignal): Promise<SecondRender> {
  signal.throwIfAborted();
  const { template, params, capture, encoder, tools, videos } = first;
  const elsewhere = join(folder, 'cwd');
  await mkdir(elsewhere);
  // A composition may be one of several in its folder.
  const named = template.source.endsWith('.html') ? template.source : template.folder;
  const renditions = videos.map(({ rendition }) => rendition.id).join(',');
  const args = [
    ...['render', named, '--params', '-', '--rendition', renditions],
    ...['--capture', capture, '--encoder', encoder, '--out', join(folder, '{rendition}.mp4'), '--json'],
  ];
  // As this process was started, and nothing of it: loaders and options of Node included.
  const main = join(import.meta.dirname, `main${CODE_EXTENSION}`);
  const child = spawnTied(process.execPath, [...process.execArgv, main, ...args], {
    cwd: elsewhere,
    env: environmentWith(tools, folder),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) {
    throw new Failure('Internal', 'The second process was started without its pipes.');
  }
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    stdin.on('error', () => undefined);
    // Not on its command line, which everybody on the machine can read.
    stdin.end(JSON.stringify(params));
    const [said, complained, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
    signal.throwIfAborted();
    if (code !== 0) {
      const last = complained
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^nightreel: /, '');
      throw new Failure('Internal', `The second process ended with code ${code}: ${last ?? 'without a word'}`);
    }
    return resultSchema.parse(JSON.parse(said.trim().split('\n').at(-1) ?? ''));
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What is not the same in two fingerprints; the route is no part of one, its pixels are. */
function changedFields(mine: EngineFingerprint, its: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(mine)
    .filter(([name, value]) => name !== 'digest' && name !== 'captureRoute' && its[name] !== value)
    .map(([name, value]) => `${name} ${value} and ${its[name]}`);
}

async function framesThatDiffer(
  { tools: { ffmpeg } }: FirstRender,
  video: RenderedVideo,
  other: string,
  folder: string,
  signal: AbortSignal,
): Promise<number[]> {
  const own = join(folder, 'first.mp4');
  await writeFile(own, video.bytes);
  return differingFrames(await pictureDigests(ffmpeg, own, signal), await pictureDigests(ffmpeg, other, signal));
}

function sentenceOf({ rendition: { id }, frameCount }: RenderedVideo, frames: readonly number[]): string {
  if (frames.length === 0) {
    return `${id} differs in its bytes and in no picture: it is encoded or put together otherwise, or its sound differs.`;
  }
  const which = `${frames.length === 1 ? 'frame' : 'frames'} ${framesText(frames)}`;
  const why =
    'Either the template draws what neither its params nor the time decide, or a program does not do the same twice.';
  return `${id} differs in ${frames.length} of ${frameCount} pictures: ${which}. ${why}`;
}
