/** What decides the pixels and bytes besides template, params and rendition. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import canonicalize from 'canonicalize';
import puppeteer from 'puppeteer';
import { z } from 'zod';
import type { EngineFingerprint } from '../contracts/batch.ts';
import { AUDIO_SETTINGS } from './audio/soundtracks.ts';
import { ALL_FLAGS, type CaptureRoute, FONT_SETTINGS } from './browser/flags.ts';
import { I420_MODULE } from './capture/i420/frame-buffer.ts';
import { PNG } from './capture/png.ts';
import { ENCODERS, ladderOptions, type Track } from './encode/options.ts';
import type { Toolchain } from './encode/toolchain.ts';
import { ENGINE_SCRIPT, STAGE_HTML } from './page/scripts.ts';
import { FILM_SETTINGS } from './video/films.ts';

/** Raised by hand when the engine's code changes pictures or bytes in a way that nothing below shows. */
const ENGINE_REVISION = 3;

export interface Engine {
  readonly route: CaptureRoute;
  /** Digest of what the route made of the probe page. */
  readonly pixels: string;
  /** As the browser states it: `Chrome/156.0.7211.3`, `HeadlessChrome/156.0.7211.3`. */
  readonly chromium: string;
  readonly toolchain: Toolchain;
}

/** The route itself is not in the digest: its pixels are, and they are the same on every route where all is well. */
export async function fingerprintOf({ route, pixels, chromium, toolchain }: Engine): Promise<EngineFingerprint> {
  // A ladder that keeps a bitrate, and one that keeps none.
  const tracks = [{ qp: 0, maxKbps: 1 }, { qp: 0 }].map((quality, index): Track => {
    const side = 4 - 2 * index;
    return { size: { width: side, height: side }, quality };
  });
  const ladders = [tracks, tracks.slice(1)] as [Track, ...Track[]][];
  const encodings = ENCODERS.flatMap((encoder) =>
    ladders.flatMap((ladder) =>
      [false, true].map((isJoinable) => ladderOptions({ fps: 1, tracks: ladder, encoder, isJoinable })),
    ),
  );
  const described: Omit<EngineFingerprint, 'digest' | 'captureRoute'> = {
    engineRevision: ENGINE_REVISION,
    pixels,
    chromium: versionOf(chromium),
    ffmpeg: toolchain.ffmpeg,
    x264: toolchain.x264,
    muxer: `mediabunny ${mediabunnyVersion()}`,
    fonts: await systemFonts(),
    settings: shortDigest([
      await puppeteer.defaultArgs({ headless: 'shell' }),
      ALL_FLAGS,
      readFileSync(FONT_SETTINGS, 'utf8'),
      PNG,
      createHash('sha256').update(I420_MODULE).digest('hex'),
      encodings,
      toolchain.encoder,
      AUDIO_SETTINGS,
      FILM_SETTINGS,
      ENGINE_SCRIPT,
      STAGE_HTML,
    ]),
  };
  return { digest: sha256(canonicalize(described) ?? ''), captureRoute: route, ...described };
}

/** The same build calls itself differently with and without windows. */
const versionOf = (chromium: string): string => /[\d.]+$/.exec(chromium)?.[0] ?? chromium;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const shortDigest = (value: unknown): string => sha256(JSON.stringify(value)).slice(0, 16);

/** Digest of the fonts installed for everybody: a character that a template's own fonts lack is drawn with one of these. */
async function systemFonts(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('fc-list', ['--format', '%{family}|%{style}|%{fontversion}\n'], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent' },
    });
    return shortDigest([...new Set(stdout.split('\n'))].sort());
  } catch {
    return 'unknown: no fc-list';
  }
}

/** It writes its version into nothing that can be asked for at run time, and its package.json is not exported. */
function mediabunnyVersion(): string {
  const main = createRequire(import.meta.url).resolve('mediabunny');
  const folder = main.slice(0, main.lastIndexOf('/mediabunny/') + '/mediabunny/'.length);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))).version;
}
