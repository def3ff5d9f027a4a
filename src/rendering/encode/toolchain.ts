/** Which ffmpeg and which encoder are at work here. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { Failure } from '../../contracts/failures.ts';
import { FFMPEG_ENVIRONMENT, runFfmpeg } from './ffmpeg.ts';
import { frameHead, streamHead } from './frame-feed.ts';
import { type EncoderName, encodeOptions } from './options.ts';

export interface Toolchain {
  /** `ffmpeg version` as the program states it. */
  readonly ffmpeg: string;
  /** x264's core and build as it writes them into every stream; 'unused' when another encoder was asked for. */
  readonly x264: string;
  /** ffmpeg's name of the encoder; of a device, also a digest of what it makes of a known frame, which its driver decides. */
  readonly encoder: string;
}

/** Large enough for every device. */
const PROBE = { size: { width: 256, height: 256 }, fps: 30 };

interface Codec {
  /** ffmpeg's name. */
  readonly name: string;
  /** What a machine must have for it. */
  readonly needs: string;
}

const CODECS: Readonly<Record<EncoderName, Codec>> = {
  x264: { name: 'libx264', needs: '' },
  nvenc: { name: 'h264_nvenc', needs: 'an NVIDIA GPU that encodes video, with its driver' },
  vaapi: { name: 'h264_vaapi', needs: 'a GPU at /dev/dri/renderD128 with its VA-API driver' },
  videotoolbox: { name: 'h264_videotoolbox', needs: 'macOS, and an ffmpeg built there' },
};

/**
 * Encodes one frame, as every video will be, to learn that the encoder works here and which it is. Failure `ToolMissing`
 * says what is missing.
 */
export async function probeToolchain(
  ffmpeg: string,
  signal: AbortSignal,
  encoder: EncoderName = 'x264',
): Promise<Toolchain> {
  const version = await ffmpegVersion(ffmpeg, signal);
  const options = encodeOptions({ ...PROBE, quality: { qp: 20 }, encoder });
  const frame = Buffer.concat([streamHead(PROBE), frameHead(0, PROBE), probeFrame()]);
  const stream = await runFfmpeg({ ffmpeg, ...options }, frame, signal).catch((cause: unknown) => {
    if (!(cause instanceof Failure) || cause.failureClass !== 'EncoderFailed') throw cause;
    if (/Unrecognized option 'fps_mode'/.test(cause.message)) throw otherVersion(ffmpeg, version, cause);
    throw encoder === 'x264' ? withoutX264(ffmpeg, version, cause) : withoutDevice(ffmpeg, version, encoder, cause);
  });
  const { name } = CODECS[encoder];
  if (encoder !== 'x264') {
    const digest = createHash('sha256').update(stream).digest('hex').slice(0, 16);
    return { ffmpeg: version, x264: 'unused', encoder: `${name} ${digest}` };
  }
  // x264's user data SEI: 'x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - …'
  const build = /x264 - (core \d+[^-]*?) - /.exec(stream.toString('latin1'))?.[1];
  if (build === undefined) throw withoutX264(ffmpeg, version, null);
  return { ffmpeg: version, x264: build, encoder: name };
}

/** An I420 picture with something in it. */
function probeFrame(): Uint8Array {
  const { width, height } = PROBE.size;
  return Uint8Array.from({ length: width * height * 1.5 }, (_, at) => 16 + ((at ^ (at >> 7)) & 127));
}

async function ffmpegVersion(ffmpeg: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(ffmpeg, ['-version'], { signal, env: FFMPEG_ENVIRONMENT });
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

/** `-fps_mode` came with 5.1; what it replaced is gone since 9. */
const otherVersion = (ffmpeg: string, version: string, cause: Failure): Failure =>
  new Failure(
    'ToolMissing',
    `${ffmpeg} (${version}) does not know an option that is needed. Install ffmpeg 5.1 or later, or set NIGHTREEL_FFMPEG. ${cause.message}`,
    { cause },
  );

const withoutX264 = (ffmpeg: string, version: string, cause: unknown): Failure =>
  new Failure(
    'ToolMissing',
    `${ffmpeg} (${version}) cannot encode H.264: it is built without libx264. Install one that is (Debian: \`apt-get install ffmpeg\`).`,
    { cause },
  );

const withoutDevice = (ffmpeg: string, version: string, encoder: EncoderName, cause: Failure): Failure =>
  new Failure(
    'ToolMissing',
    `${ffmpeg} (${version}) cannot encode with ${CODECS[encoder].name} here; it needs ${CODECS[encoder].needs}. Or choose the encoder x264. ${cause.message}`,
    { cause },
  );
