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

export class FrameBuffer {
  readonly layout: PixelLayout;
  private readonly convert: Convert;
  private readonly sources: readonly [Buffer, Buffer];
  private readonly targets: readonly [Uint8Array, Uint8Array];
  /** Of `sources`, the one to be filled; of `targets`, the one that was filled last. */
  private current: 0 | 1 = 0;
  private shown: 0 | 1 = 0;
  /** False until one picture is there to compare with. */
  private hasLast = false;

  constructor(layout: PixelLayout) {
    this.layout = layout;
    const { width, height, strideBytes } = layout;
    if (width < 1 || height < 1 || strideBytes < width * 4) {
      throw new RangeError(`A picture of ${width}x${height} does not lie in rows of ${strideBytes} bytes.`);
    }
    const sourceBytes = Math.ceil((strideBytes * height) / 16) * 16;
    const targetAt = FIRST_BYTE + 2 * sourceBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((targetAt + 2 * i420Bytes(layout)) / PAGE_BYTES) });
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.convert = moduleExports.parse(instance.exports).convert;
    this.sources = [
      Buffer.from(memory.buffer, FIRST_BYTE, strideBytes * height),
      Buffer.from(memory.buffer, FIRST_BYTE + sourceBytes, strideBytes * height),
    ];
    const targetBytes = i420Bytes(layout);
    this.targets = [
      new Uint8Array(memory.buffer, targetAt, targetBytes),
      new Uint8Array(memory.buffer, targetAt + targetBytes, targetBytes),
    ];
  }

  /** Where the next picture's pixels go, row by row. */
  get pixels(): Buffer {
    return this.sources[this.current];
  }

  /**
   * Converts what `pixels` holds. Returns the planes, valid until the next call but one; and whether the picture is the same as the
   * one before, which costs a comparison and no conversion.
   */
  next(): { readonly data: Uint8Array; readonly isRepeat: boolean } {
    const [one, two] = this.sources;
    const isRepeat = this.hasLast && one.equals(two);
    if (!isRepeat) {
      const { width, height, strideBytes, order } = this.layout;
      this.shown = other(this.shown);
      const { byteOffset } = this.targets[this.shown];
      this.convert(this.pixels.byteOffset, strideBytes, width, height, order === 'rgba', byteOffset);
    }
    this.hasLast = true;
    this.current = other(this.current);
    return { data: this.targets[this.shown], isRepeat };
  }

  /** The next picture is the first again. */
  forget(): void {
    this.hasLast = false;
  }
}

const other = (index: 0 | 1): 0 | 1 => (index === 0 ? 1 : 0);
