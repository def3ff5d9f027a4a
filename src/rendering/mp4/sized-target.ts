import { BufferTarget } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';

/** What mediabunny calls and does not declare; its version is pinned, and part of the engine's fingerprint. */
const INTERNAL = ['_write', '_finalize'] as const;

/**
 * Takes an MP4 whose size is about known. mediabunny's own target grows in gigabytes of reserved addresses and is copied in the
 * end: at 1080p and 12 s that was 7 of 8.5 CPU-ms. Failure `Internal` when the library works in another way than it did.
 */
export class SizedTarget extends BufferTarget {
  private space: Uint8Array;
  private end = 0;

  /** `sizeBytes`: what there will be, and no more than a little too much. */
  constructor(sizeBytes: number) {
    super();
    for (const name of INTERNAL) {
      if (!(name in BufferTarget.prototype)) throw new Failure('Internal', `mediabunny has no ${name} any more.`);
    }
    this.space = new Uint8Array(sizeBytes);
  }

  /** Everything that was written, once the output is finalized. */
  get bytes(): Uint8Array {
    return this.space.subarray(0, this.end);
  }

  _write(data: Uint8Array, at: number): void {
    const end = at + data.byteLength;
    if (end > this.space.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * this.space.byteLength));
      larger.set(this.bytes);
      this.space = larger;
    }
    this.space.set(data, at);
    this.end = Math.max(this.end, end);
  }

  async _finalize(): Promise<void> {
    // Nothing is copied: `bytes` is what there is.
  }
}
