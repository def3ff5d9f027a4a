import { BufferTarget, Mp4OutputFormat } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { boxesOf, shiftChunks, zeroCreationTimes } from './boxes.ts';

/** What mediabunny calls and does not declare; its version is pinned, and part of the engine's fingerprint. */
const INTERNAL = ['_write', '_finalize'] as const;
/** A box's type and size; mediabunny leaves room for another eight bytes of size, which only files above 4 GiB need. */
const HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;
const LEAST_MEDIA_BYTES = 1024 * 1024;

/**
 * Takes an MP4 whose index comes last and puts the index in front, where the media need not be moved for it: there is room. While the
 * file is written, `media` grows and what is in it stays; afterwards `bytes` is the file.
 *
 * mediabunny's own way to have the index in front keeps every packet until the end; its own target grows in gigabytes of reserved
 * addresses and is copied in the end: at 1080p and 12 s that was 7 of 8.5 CPU-ms. Failure `Internal` when the library works in
 * another way than it did.
 */
export class FastStartTarget extends BufferTarget {
  private space: Uint8Array<ArrayBuffer>;
  /** Bytes kept free in front of what is written, for the index. */
  private readonly room: number;
  private end = 0;
  private mediaStart: number | null = null;
  /** What the output is to be made with. */
  readonly format = new Mp4OutputFormat({
    fastStart: false,
    onFtyp: (type, start) => {
      this.mediaStart = start + type.byteLength + LARGE_HEADER_BYTES;
    },
  });
  private finished: { readonly start: number; readonly mediaEnd: number } | null = null;

  /** Both about: what they are short of is copied once more. */
  constructor({ indexBytes, mediaBytes }: { readonly indexBytes: number; readonly mediaBytes: number }) {
    super();
    for (const name of INTERNAL) {
      if (!(name in BufferTarget.prototype)) throw new Failure('Internal', `mediabunny has no ${name} any more.`);
    }
    this.room = indexBytes;
    this.space = new Uint8Array(indexBytes + Math.max(mediaBytes, LEAST_MEDIA_BYTES));
  }

  /** What is behind the index so far: packets as they lie in the finished file. Empty until the first one. */
  get media(): Uint8Array {
    const end = this.finished?.mediaEnd ?? this.end;
    return this.space.subarray(this.room + Math.min(this.mediaStart ?? end, end), this.room + end);
  }

  /** The file, once the output is finalized. */
  get bytes(): Uint8Array {
    if (this.finished === null) throw new Failure('Internal', 'An MP4 was wanted before it was finished.');
    return this.space.subarray(this.finished.start, this.room + this.finished.mediaEnd);
  }

  _write(data: Uint8Array, at: number): void {
    const end = this.room + at + data.byteLength;
    if (end > this.space.byteLength) this.grow(end);
    this.space.set(data, this.room + at);
    this.end = Math.max(this.end, at + data.byteLength);
  }

  async _finalize(): Promise<void> {
    const written = this.space.subarray(this.room, this.room + this.end);
    const [type, media, index, ...rest] = boxesOf(written);
    if (type?.type !== 'ftyp' || media?.type !== 'mdat' || index?.type !== 'moov' || rest.length > 0) {
      throw new Failure('Internal', 'mediabunny writes an MP4 in another order than it did.');
    }
    if (media.start + LARGE_HEADER_BYTES !== this.mediaStart) {
      throw new Failure('Internal', 'mediabunny writes the head of its media in another way than it did.');
    }
    const moov = written.slice(index.start, index.end);
    zeroCreationTimes(moov);
    shiftChunks(moov, moov.byteLength + HEADER_BYTES - LARGE_HEADER_BYTES);
    const head = Buffer.alloc(HEADER_BYTES);
    head.writeUInt32BE(media.end - this.mediaStart + HEADER_BYTES);
    head.write('mdat', 4, 'latin1');
    const front = Buffer.concat([written.subarray(0, type.end), moov, head]);
    let start = this.room + this.mediaStart - front.byteLength;
    if (start < 0) {
      const larger = new Uint8Array(this.space.byteLength - start);
      larger.set(this.space, -start);
      this.space = larger;
      start = 0;
    }
    this.space.set(front, start);
    this.finished = { start, mediaEnd: media.end };
  }

  /** To a new place: parts that are on their way were views of the old one. */
  private grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, 2 * this.space.byteLength));
    larger.set(this.space);
    this.space = larger;
  }
}
