/** Which ffmpeg and x264 are at work here. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failure } from '../../contracts/failures.ts';
import { runFfmpeg } from './ffmpeg.ts';

export interface Toolchain {
  /** `ffmpeg version` as the program states it. */
  readonly ffmpeg: string;
  /** x264's core and build as it writes them into every stream. */
  readonly x264: string;
}

const PROBE_SIZE = 16;

/** Encodes one black frame to learn that x264 works and which it is. Failure `ToolMissing` says what to install. */
export async function probeToolchain(ffmpeg: string, signal: AbortSignal): Promise<Toolchain> {
  const version = await ffmpegVersion(ffmpeg, signal);
  const frame = new Uint8Array(PROBE_SIZE * PROBE_SIZE * 1.5);
  const stream = await runFfmpeg(
    {
      ffmpeg,
      input: ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${PROBE_SIZE}x${PROBE_SIZE}`, '-r', '1'],
      output: ['-c:v', 'libx264', '-threads', '1', '-f', 'h264'],
    },
    frame,
    signal,
  ).catch((cause: unknown) => {
    if (cause instanceof Failure && cause.failureClass !== 'EncoderFailed') throw cause;
    throw withoutX264(ffmpeg, version, cause);
  });
  // x264's user data SEI: 'x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - …'
  const build = /x264 - (core \d+[^-]*?) - /.exec(stream.toString('latin1'))?.[1];
  if (build === undefined) throw withoutX264(ffmpeg, version, null);
  return { ffmpeg: version, x264: build };
}

async function ffmpegVersion(ffmpeg: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(ffmpeg, ['-version'], { signal });
    return /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new Failure(
      'ToolMissing',
      `${ffmpeg} does not start. Install ffmpeg (Debian: \`apt-get install ffmpeg\`) or set NIGHTREEL_FFMPEG.`,
      { cause },
    );
  }
}

const withoutX264 = (ffmpeg: string, version: string, cause: unknown): Failure =>
  new Failure(
    'ToolMissing',
    `${ffmpeg} (${version}) cannot encode H.264: it is built without libx264. Install one that is (Debian: \`apt-get install ffmpeg\`).`,
    { cause },
  );
