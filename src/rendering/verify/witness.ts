/** What was captured, remembered until the finished video has been compared with it. */

import { Failure } from '../../contracts/failures.ts';
import type { Frame } from '../capture/frame-source.ts';
import { i420Bytes, type Size } from '../geometry.ts';
import { readPoints, spreadPoints } from './luma-points.ts';

/** The evidence. Sizes are those of the capture; a rendition scaled from it may be smaller. */
export interface Captured extends Size {
  /** The first and the last frame, I420. */
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  /** Frames that did not look exactly as the one before; the first counts. */
  readonly changedFrames: number;
  /** Offsets into the luma plane at which every frame was sampled, and its luma there. */
  readonly points: Uint32Array;
  lumaAt(frame: number): Uint8Array;
}

const MOST_POINTS = 1024;
const LEAST_POINTS = 64;
/** What samples of all frames together may take: long films get fewer points. */
const SAMPLE_BYTES = 8 * 1024 * 1024;

/** Sees every frame on its way to the encoder: 10 µs each at 1080p. Keeps two frames and some MB of samples at most. */
export class CaptureWitness {
  private readonly size: Size;
  private readonly frameCount: number;
  private readonly points: Uint32Array;
  private readonly samples: Uint8Array;
  private first: Uint8Array | null = null;
  private last: Uint8Array | null = null;
  private changedFrames = 0;

  constructor(size: Size, frameCount: number) {
    this.size = size;
    this.frameCount = frameCount;
    const count = Math.min(MOST_POINTS, Math.max(LEAST_POINTS, Math.floor(SAMPLE_BYTES / frameCount)));
    this.points = spreadPoints(size, count);
    this.samples = new Uint8Array(count * frameCount);
  }

  /** Every frame once, in order. RangeError when it is not one of this size. */
  consider({ index, data, isRepeat }: Frame): void {
    if (data.byteLength !== i420Bytes(this.size)) {
      throw new RangeError(`Frame ${index} has ${data.byteLength} bytes, not those of ${describe(this.size)} in I420.`);
    }
    if (isRepeat && index > 0) this.samples.copyWithin(this.start(index), this.start(index - 1), this.start(index));
    else readPoints(data, this.points, this.lumaAt(index));
    if (!isRepeat) this.changedFrames += 1;
    // `slice` of a Buffer would be a view.
    if (index === 0) this.first = new Uint8Array(data);
    if (index === this.frameCount - 1) this.last = index === 0 ? this.first : new Uint8Array(data);
  }

  get captured(): Captured {
    const { first, last, changedFrames, points } = this;
    if (first === null || last === null) throw new Failure('Internal', 'Not every frame was shown to the witness.');
    return { ...this.size, first, last, changedFrames, points, lumaAt: (frame) => this.lumaAt(frame) };
  }

  private lumaAt(frame: number): Uint8Array {
    return this.samples.subarray(this.start(frame), this.start(frame + 1));
  }

  private start(frame: number): number {
    return frame * this.points.length;
  }
}

const describe = ({ width, height }: Size): string => `${width}x${height}`;
