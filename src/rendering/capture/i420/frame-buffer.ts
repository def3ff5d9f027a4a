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
type Convert = (source: number, stride: number, width: number, height: number, isRgba: boolean, target: number) => void;
const isFunction = (value: unknown): value is Convert => typeof value === 'function';
const moduleExports = z.object({ convert: z.custom<Convert>(isFunction) });

const PAGE_BYTES = 65_536;
/** The first page of the memory is the module's own. */
const FIRST_BYTE = PAGE_BYTES;

/** Fills `target` with a picture's bytes, from its byte `at` on. */
export type ReadPixels = (target: Buffer, at: number) => void;

/** What was captured. */
export interface Picture {
  readonly read: ReadPixels;
  /** True when nothing was drawn since the picture before: it need not be read. */
  readonly isUntouched: boolean;
}

/** So much is read and compared at a time: it stays in the processor's cache meanwhile. */
const CHUNK_BYTES = 256 * 1024;

export class FrameBuffer {
  readonly layout: PixelLayout;
  private readonly convert: Convert;
  private readonly source: Buffer;
  private readonly chunk: Buffer;
  private readonly targets: readonly [Uint8Array, Uint8Array];
  /** Of `targets`, the one that was filled last. */
  private shown: 0 | 1 = 0;
  /** False until one picture is there to compare with. */
  private hasLast = false;
  /** Whether the picture that was taken last is the same as the one before. */
  private isRepeat = false;

  constructor(layout: PixelLayout) {
    this.layout = layout;
    const { width, height, strideBytes } = layout;
    if (width < 1 || height < 1 || strideBytes < width * 4) {
      throw new RangeError(`A picture of ${width}x${height} does not lie in rows of ${strideBytes} bytes.`);
    }
    const sourceBytes = Math.ceil((strideBytes * height) / 16) * 16;
    const targetAt = FIRST_BYTE + sourceBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((targetAt + 2 * i420Bytes(layout)) / PAGE_BYTES) });
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.convert = moduleExports.parse(instance.exports).convert;
    this.source = Buffer.from(memory.buffer, FIRST_BYTE, strideBytes * height);
    this.chunk = Buffer.alloc(Math.min(CHUNK_BYTES, this.source.byteLength));
    const targetBytes = i420Bytes(layout);
    this.targets = [
      new Uint8Array(memory.buffer, targetAt, targetBytes),
      new Uint8Array(memory.buffer, targetAt + targetBytes, targetBytes),
    ];
  }

  /** Takes a picture, row by row as `layout` says. One that is the same as the one before is read, and written nowhere. */
  take({ read, isUntouched }: Picture): void {
    const { source, chunk } = this;
    this.isRepeat = this.hasLast;
    this.hasLast = true;
    if (this.isRepeat && isUntouched) return;
    let at = 0;
    while (this.isRepeat && at < source.byteLength) {
      const place = source.subarray(at, at + chunk.byteLength);
      const next = chunk.subarray(0, place.byteLength);
      read(next, at);
      if (!next.equals(place)) {
        next.copy(place);
        this.isRepeat = false;
      }
      at += place.byteLength;
    }
    if (at < source.byteLength) read(source.subarray(at), at);
  }

  /**
   * Converts the picture that was taken last, unless it is the same as the one before. Returns the planes, valid until the next
   * call but one.
   */
  next(): { readonly data: Uint8Array; readonly isRepeat: boolean } {
    const { isRepeat } = this;
    if (!isRepeat) {
      const { width, height, strideBytes, order } = this.layout;
      this.shown = other(this.shown);
      const { byteOffset } = this.targets[this.shown];
      this.convert(this.source.byteOffset, strideBytes, width, height, order === 'rgba', byteOffset);
    }
    return { data: this.targets[this.shown], isRepeat };
  }

  /** The next picture is the first again. */
  forget(): void {
    this.hasLast = false;
  }
}

const other = (index: 0 | 1): 0 | 1 => (index === 0 ? 1 : 0);
