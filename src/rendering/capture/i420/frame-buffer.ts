/** From a window's pixels to what the encoder takes, in memory that is allocated once for all frames of a size. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { i420Bytes, type Size } from '../../geometry.ts';

/** BGRA is how Chromium draws, RGBA how PNG decoders hand out. Alpha is not looked at: a window has none. */
export type PixelOrder = 'bgra' | 'rgba';

export interface PixelLayout extends Size {
  readonly order: PixelOrder;
  /** Bytes from one row to the next, at least four for each pixel. */
  readonly strideBytes: number;
}

/** Bytes of the module that converts: part of the engine's fingerprint. */
export const I420_MODULE: Uint8Array<ArrayBuffer> = new Uint8Array(
  readFileSync(new URL('./i420.wasm', import.meta.url)),
);
const compiled = new WebAssembly.Module(I420_MODULE);
type Convert = (
  source: number,
  stride: number,
  width: number,
  height: number,
  isRgba: boolean,
  target: number,
  from: number,
  to: number,
) => void;
const isFunction = (value: unknown): value is Convert => typeof value === 'function';
const moduleExports = z.object({ convert: z.custom<Convert>(isFunction) });

const PAGE_BYTES = 65_536;
/** The first page of the memory is the module's own. */
const FIRST_BYTE = PAGE_BYTES;

/** Fills `target` with a picture's bytes, from its byte `at` on. */
export type ReadPixels = (target: Buffer, at: number) => void;

/** Rows from `start` up to, not including, `end`; of a picture where they lie in it. Empty when they end where they start. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

export const ALL_ROWS: RowRange = { start: 0, end: Number.POSITIVE_INFINITY };

/** What was captured. */
export interface Picture {
  readonly read: ReadPixels;
  /** On no others was anything drawn since the picture before: they need not be read. */
  readonly touchedRows: RowRange;
}

/** About so much is read and compared at a time: it stays in the processor's cache meanwhile. */
const BAND_BYTES = 256 * 1024;

/** Planes of a picture, and which bands of `source` are newer than what they show. */
interface Target {
  readonly planes: Uint8Array;
  readonly isStale: Uint8Array;
}

export class FrameBuffer {
  readonly layout: PixelLayout;
  private readonly convert: Convert;
  private readonly source: Buffer;
  /** Rows of a band, an even number; the last band may have fewer. */
  private readonly bandRows: number;
  private readonly band: Buffer;
  private readonly targets: readonly [Target, Target];
  /** Of `targets`, the one that was filled last. */
  private shown: 0 | 1 = 0;
  /** False until one picture is there to compare with. */
  private hasLast = false;
  private isSame = false;

  constructor(layout: PixelLayout) {
    this.layout = layout;
    const { width, height, strideBytes } = layout;
    if (width < 1 || height < 1 || strideBytes < width * 4) {
      throw new RangeError(`A picture of ${width}x${height} does not lie in rows of ${strideBytes} bytes.`);
    }
    const sourceBytes = Math.ceil((strideBytes * height) / 16) * 16;
    const targetAt = FIRST_BYTE + sourceBytes;
    const targetBytes = i420Bytes(layout);
    const memory = new WebAssembly.Memory({ initial: Math.ceil((targetAt + 2 * targetBytes) / PAGE_BYTES) });
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.convert = moduleExports.parse(instance.exports).convert;
    this.source = Buffer.from(memory.buffer, FIRST_BYTE, strideBytes * height);
    this.bandRows = 2 * Math.max(1, Math.floor(BAND_BYTES / (2 * strideBytes)));
    this.band = Buffer.alloc(Math.min(this.bandRows, height) * strideBytes);
    const target = (at: number): Target => ({
      planes: new Uint8Array(memory.buffer, at, targetBytes),
      isStale: new Uint8Array(Math.ceil(height / this.bandRows)),
    });
    this.targets = [target(targetAt), target(targetAt + targetBytes)];
  }

  /** Whether the picture that was taken last is the same as the one before. */
  get isRepeat(): boolean {
    return this.isSame;
  }

  /** Takes a picture, row by row as `layout` says: reads what may have changed, keeps what did. */
  take({ read, touchedRows }: Picture): void {
    const { source, band, hasLast, bandRows } = this;
    const { height } = this.layout;
    const start = hasLast ? touchedRows.start : 0;
    const end = hasLast ? Math.min(height, touchedRows.end) : height;
    this.hasLast = true;
    this.isSame = hasLast;
    if (start >= end) return;
    const [one, two] = this.targets;
    for (let index = Math.floor(start / bandRows); index * bandRows < end; index++) {
      const at = index * band.byteLength;
      const last = source.subarray(at, at + band.byteLength);
      const next = band.subarray(0, last.byteLength);
      read(next, at);
      if (hasLast && next.equals(last)) continue;
      next.copy(last);
      this.isSame = false;
      one.isStale[index] = 1;
      two.isStale[index] = 1;
    }
  }

  /**
   * Converts what changed in the picture that was taken last, unless that is the same as the one before. Returns the planes,
   * valid until the next call but one.
   */
  next(): { readonly data: Uint8Array; readonly isRepeat: boolean } {
    const { isRepeat } = this;
    if (!isRepeat) {
      this.shown = other(this.shown);
      this.refresh(this.targets[this.shown]);
    }
    return { data: this.targets[this.shown].planes, isRepeat };
  }

  /** The next picture is the first again. */
  forget(): void {
    this.hasLast = false;
    this.isSame = false;
  }

  private refresh({ planes, isStale }: Target): void {
    const { width, height, strideBytes, order } = this.layout;
    const { byteOffset } = this.source;
    for (let index = 0; index < isStale.length; index++) {
      if (isStale[index] === 0) continue;
      const from = index * this.bandRows;
      const to = Math.min(height, from + this.bandRows);
      this.convert(byteOffset, strideBytes, width, height, order === 'rgba', planes.byteOffset, from, to);
    }
    isStale.fill(0);
  }
}

const other = (index: 0 | 1): 0 | 1 => (index === 0 ? 1 : 0);
