/**
 * Frames on their way to ffmpeg: Matroska (RFC 9559) with one track of raw video, since it can be read from a pipe and gives
 * each frame its time. A picture that stands still is sent until it is one that others are predicted from, and what is shown of it after that
 * is put into the encoded stream (`h264/held-pictures.ts`). To an encoder of which nobody knows that, it is sent once in a while,
 * and the `fps` filter of `encodeOptions` shows it as often as it was captured.
 */

import type { Frame } from '../capture/frame-source.ts';
import { i420Bytes, type Size } from '../geometry.ts';
import type { FfmpegProcess } from './ffmpeg.ts';
import type { Pattern } from './options.ts';

export interface FeedSettings {
  /** Of every frame; even sides. */
  readonly size: Size;
  readonly fps: number;
}

/** Where it is ffmpeg that shows it again, it is sent so often: ffmpeg encodes it as soon as it knows for how long. */
const STILL_FRAMES = 15;
/** Times are in µs. */
const TICK_NS = 1000;
const SECOND_TICKS = 1_000_000;
const SECOND_NS = 1_000_000_000;

/** Element IDs, RFC 9559. */
const ID = {
  ebml: 0x1a45dfa3,
  ebmlVersion: 0x4286,
  ebmlReadVersion: 0x42f7,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  codecId: 0x86,
  defaultDuration: 0x23e383,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  uncompressedFourCc: 0x2eb524,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

/** A size that nobody knows yet: the segment ends with the stream. */
const UNKNOWN_SIZE = Buffer.from('01ffffffffffffff', 'hex');
const VIDEO_TRACK = 1;
/** Its track, no time of its own beside the cluster's, a keyframe. */
const BLOCK_HEAD = Buffer.from([0x80 | VIDEO_TRACK, 0, 0, 0x80]);

/** What a stream begins with. */
export const streamHead = ({ size, fps }: FeedSettings): Buffer =>
  Buffer.concat([
    element(ID.ebml, [
      element(ID.ebmlVersion, 1),
      element(ID.ebmlReadVersion, 1),
      element(ID.ebmlMaxIdLength, 4),
      element(ID.ebmlMaxSizeLength, 8),
      element(ID.docType, 'matroska'),
      element(ID.docTypeVersion, 4),
      element(ID.docTypeReadVersion, 2),
    ]),
    idBytes(ID.segment),
    UNKNOWN_SIZE,
    element(ID.info, [
      element(ID.timestampScale, TICK_NS),
      element(ID.muxingApp, 'nightreel'),
      element(ID.writingApp, 'nightreel'),
    ]),
    element(ID.tracks, [
      element(ID.trackEntry, [
        element(ID.trackNumber, VIDEO_TRACK),
        element(ID.trackUid, 1),
        element(ID.trackType, 1),
        element(ID.codecId, 'V_UNCOMPRESSED'),
        element(ID.defaultDuration, Math.round(SECOND_NS / fps)),
        element(ID.video, [
          element(ID.pixelWidth, size.width),
          element(ID.pixelHeight, size.height),
          element(ID.uncompressedFourCc, 'I420'),
        ]),
      ]),
    ]),
  ]);

/** What stands before a frame's planes: a cluster for itself. `index` counts from the beginning of the stream. */
export function frameHead(index: number, { size, fps }: FeedSettings): Buffer {
  const time = element(ID.timestamp, Math.round((index * SECOND_TICKS) / fps));
  const blockBytes = BLOCK_HEAD.byteLength + i420Bytes(size);
  const block = Buffer.concat([idBytes(ID.simpleBlock), sizeBytes(blockBytes), BLOCK_HEAD]);
  const clusterBytes = time.byteLength + block.byteLength + i420Bytes(size);
  return Buffer.concat([idBytes(ID.cluster), sizeBytes(clusterBytes), time, block]);
}

export interface FrameFeedSettings extends FeedSettings {
  /** How many frames there will be. */
  readonly frameCount: number;
  /** How the encoder codes what it gets (`patternOf`); null or left out: it gets all, shown again by ffmpeg. */
  readonly pattern?: Pattern | null;
}

export class FrameFeed {
  private readonly ffmpeg: Pick<FfmpegProcess, 'write'>;
  private readonly settings: FrameFeedSettings;
  private readonly sending: { isNeeded(index: number, isRepeat: boolean): boolean };
  private readonly sent = new Set<number>();
  private next = 0;

  constructor(ffmpeg: Pick<FfmpegProcess, 'write'>, settings: FrameFeedSettings) {
    const { frameCount, pattern = null } = settings;
    this.ffmpeg = ffmpeg;
    this.settings = settings;
    this.sending = pattern === null ? new OnceInAWhile(frameCount) : new UntilAnchored(pattern);
  }

  /** Whether the encoder got this frame. */
  isSent(frame: number): boolean {
    return this.sent.has(frame);
  }

  /** Every frame once, in order. Ends when its data may be overwritten. Failure as of `FfmpegProcess.write`. */
  async send({ data, isRepeat }: Pick<Frame, 'data' | 'isRepeat'>): Promise<void> {
    const index = this.next++;
    if (!this.sending.isNeeded(index, isRepeat && index > 0)) return;
    this.sent.add(index);
    const head = frameHead(index, this.settings);
    const start = index === 0 ? Buffer.concat([streamHead(this.settings), head]) : head;
    await Promise.all([this.ffmpeg.write(start), this.ffmpeg.write(data)]);
  }
}

/** What an encoder of a known pattern needs. */
class UntilAnchored {
  private readonly pattern: Pattern;
  /** Frames sent since the last keyframe. */
  private sent = 0;

  constructor(pattern: Pattern) {
    this.pattern = pattern;
  }

  isNeeded(index: number, isRepeat: boolean): boolean {
    const { anchorEvery, keyframeEvery } = this.pattern;
    const isKeyframe = index % keyframeEvery === 0;
    const isAnchored = this.sent % anchorEvery === 0;
    if (isRepeat && isAnchored && !isKeyframe) return false;
    this.sent = isKeyframe ? 0 : this.sent + 1;
    return true;
  }
}

/** The last frame is always sent, as nothing comes after it. */
class OnceInAWhile {
  private readonly last: number;
  private sentBefore = 0;

  constructor(frameCount: number) {
    this.last = frameCount - 1;
  }

  isNeeded(index: number, isRepeat: boolean): boolean {
    if (isRepeat && index < this.last && index - this.sentBefore < STILL_FRAMES) return false;
    this.sentBefore = index;
    return true;
  }
}

function element(id: number, content: number | string | readonly Buffer[]): Buffer {
  const body = bodyOf(content);
  return Buffer.concat([idBytes(id), sizeBytes(body.byteLength), body]);
}

function bodyOf(content: number | string | readonly Buffer[]): Buffer {
  if (typeof content === 'string') return Buffer.from(content, 'latin1');
  if (typeof content !== 'number') return Buffer.concat(content);
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(BigInt(content));
  return body;
}

/** An ID carries its own length. */
const idBytes = (id: number): Buffer => Buffer.from(id.toString(16), 'hex');

/** In eight bytes, whatever the size: the first says so. */
function sizeBytes(bytes: number): Buffer {
  const size = bodyOf(bytes);
  size[0] = 0x01;
  return size;
}
