/** The file behind a `<video>`: what it shows and when, read from its index alone; and pieces of it that ffmpeg can take from a pipe. */

import {
  BufferSource,
  BufferTarget,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MATROSKA,
  MkvOutputFormat,
  MP4,
  Mp4OutputFormat,
  Output,
  QTFF,
  type VideoCodec,
  WEBM,
} from 'mediabunny';
import type { Size } from '../geometry.ts';
import type { MediaSource } from '../media/source.ts';

export interface Film extends MediaSource {
  readonly codec: VideoCodec;
  /** As a browser shows it: square pixels, the right way up. */
  readonly shown: Size;
  /** Coded pixels are as wide as high. */
  readonly isSquare: boolean;
  /** Clockwise, in degrees. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly isMirrored: boolean;
  readonly hasAlpha: boolean;
  /** The file says how its colours are meant; where it does not, browsers guess. */
  readonly hasMatrix: boolean;
  /** Until the first frame; later than 0 where sound begins before it. Like all times here, from the file's own beginning. */
  readonly leadSeconds: number;
  /** When the last frame ends. */
  readonly endSeconds: number;
  /** Times in the file are wrong by so much at most: it counts in ticks. */
  readonly toleranceSeconds: number;
  /** The file from the last key frame before `from` up to `to`, and how long before `from` it begins (less than 0: after it). */
  piece(from: number, to: number): Promise<{ readonly bytes: Uint8Array; readonly leadInSeconds: number }>;
}

/** What is wrong with a file, as a clause about `its file`. */
export class NoFilm extends Error {}

const FORMATS = [MP4, QTFF, MATROSKA, WEBM];
const CONVERT = 'Convert it with `ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p -c:a aac FILE.mp4`';
/** Twice 1080p on each side; one such picture takes Chromium 33 MB. */
const MOST = { longSide: 4096, pixels: 4096 * 2304 } as const;
/** HyperFrames allows no more for ticks than this. */
const COARSEST_TICK = 0.001;
/** What copying a frame's time into another container may add: half a tick of 57,600 a second. */
const COPY_TOLERANCE = 0.00001;

/** Failure: throws `NoFilm`. */
export async function readFilm(source: MediaSource): Promise<Film> {
  try {
    return await filmIn(source);
  } catch (error) {
    if (error instanceof NoFilm) throw error;
    throw new NoFilm('is damaged: its index cannot be read', { cause: error });
  }
}

async function filmIn(source: MediaSource): Promise<Film> {
  // Lives as long as the film: it holds the index.
  const input = new Input({ formats: FORMATS, source: new BufferSource(source.bytes) });
  if (!(await input.canRead())) throw new NoFilm(`is damaged, or no MP4, MOV, WebM or MKV. ${CONVERT}`);
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new NoFilm('holds no pictures, or is cut off before its index');
  const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
  if (codec === null || decoderConfig === null) {
    throw new NoFilm(
      `has pictures of a kind that is not known here (${String(await track.getInternalCodecId())}). ${CONVERT}`,
    );
  }
  if (await track.hasHighDynamicRange()) {
    throw new NoFilm('has a high dynamic range (HDR), which would be shown washed out. Convert it to BT.709 first');
  }
  const { num, den } = await track.getPixelAspectRatio();
  const shown = { width: await track.getDisplayWidth(), height: await track.getDisplayHeight() };
  if (Math.max(shown.width, shown.height) > MOST.longSide || shown.width * shown.height > MOST.pixels) {
    throw new NoFilm(
      `is ${shown.width}x${shown.height}; at most 4096x2304 is shown. Scale it down to what is seen of it`,
    );
  }
  const tracks = await input.getTracks();
  const begins = await Promise.all(tracks.map((one) => one.getFirstTimestamp()));
  // As browsers and ffmpeg count: from where the first of its tracks begins.
  const origin = Math.max(0, Math.min(...begins));
  const halfTick = 0.5 / (await track.getTimeResolution());
  const packets = new EncodedPacketSink(track);
  const hasAlpha = await track.canBeTransparent();
  const open = { packets, codec, decoderConfig, hasAlpha };
  return {
    ...source,
    codec,
    shown,
    isSquare: num === den,
    rotation: await track.getRotation(),
    isMirrored: await track.getFlip(),
    hasAlpha,
    hasMatrix: (await track.getColorSpace()).matrix != null,
    leadSeconds: Math.max(0, (await track.getFirstTimestamp()) - origin),
    endSeconds: (await track.computeDuration()) - origin,
    toleranceSeconds: Math.max(COPY_TOLERANCE, halfTick > COARSEST_TICK ? 0 : halfTick),
    piece: async (from, to) => await pieceOf(open, from + origin, to + origin),
  };
}

interface OpenTrack {
  readonly packets: EncodedPacketSink;
  readonly codec: VideoCodec;
  readonly decoderConfig: VideoDecoderConfig;
  readonly hasAlpha: boolean;
}

async function pieceOf(
  { packets, codec, decoderConfig, hasAlpha }: OpenTrack,
  from: number,
  to: number,
): Promise<{ bytes: Uint8Array; leadInSeconds: number }> {
  const key =
    (await packets.getKeyPacket(from, { verifyKeyPackets: true })) ??
    (await packets.getFirstKeyPacket({ verifyKeyPackets: true }));
  if (key === null) throw new NoFilm('is damaged: it has no key frame');
  const mp4 = new Mp4OutputFormat({ fastStart: 'in-memory' });
  // Matroska has a place for transparency; its times are whole milliseconds, as those of a file with VP8 are.
  const isMp4 = mp4.getSupportedVideoCodecs().includes(codec) && codec !== 'vp8' && !hasAlpha;
  const target = new BufferTarget();
  const output = new Output({ format: isMp4 ? mp4 : new MkvOutputFormat(), target });
  const source = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(source);
  await output.start();
  let past = 0;
  for await (const packet of packets.packets(key)) {
    // Leads from the key frame before into this one: shown earlier, and not to be had without that.
    if (packet.timestamp < key.timestamp) continue;
    // Frames come in the order in which they are decoded: some that are shown earlier follow later ones.
    past = packet.timestamp > to ? past + 1 : 0;
    if (past > MOST_REORDERED) break;
    const copy = packet.clone({ timestamp: packet.timestamp - key.timestamp });
    await source.add(copy, { decoderConfig });
  }
  await output.finalize();
  return { bytes: new Uint8Array(target.buffer ?? new ArrayBuffer(0)), leadInSeconds: from - key.timestamp };
}

/** Frames that a decoder may hold back, by H.264 and HEVC. */
const MOST_REORDERED = 16;
