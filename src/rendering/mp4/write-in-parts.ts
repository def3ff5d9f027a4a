/** A video's file, written while it is encoded, and sent away as far as it cannot change any more. */

import type { Soundtrack } from '../audio/soundtrack.ts';
import type { SparseFrames } from '../h264/held-pictures.ts';
import { PART_BYTES, type PartSink } from '../part-sink.ts';
import { streamClip } from './clip.ts';
import { Mp4Writer } from './mp4-writer.ts';

export interface WriteInPartsOptions {
  readonly fps: number;
  readonly frameCount: number;
  /** As of `readClip`. */
  readonly sparse?: SparseFrames | null;
}

export interface WrittenFile {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** Into how many parts it was cut, all of them handed to the sink; 0: it is too small, the sink has nothing. */
  readonly partCount: number;
}

/**
 * Writes the same file that `assemble` makes of the whole stream. Its index comes first and is known last: so the first part is held
 * back, with enough media to be large enough whatever the index takes, and the others go as soon as they are full. A file with less
 * media than `LEAST_MEDIA_IN_PARTS` is not sent.
 *
 * @param stream fragmented MP4 with one track, as ffmpeg writes it.
 * @param soundtrack lies between the pictures: nothing is written before it is known.
 */
export async function writeInParts(
  stream: ReadableStream<Uint8Array>,
  { fps, frameCount, sparse = null }: WriteInPartsOptions,
  soundtrack: Promise<Soundtrack | null>,
  sink: PartSink,
): Promise<WrittenFile> {
  const clip = streamClip(stream, { fps, sparse });
  const [{ decoderConfig, packets }, audio] = await Promise.all([clip, soundtrack]);
  const writer = await Mp4Writer.start({ fps, decoderConfig, audio, frameCount });
  const sending = new Sending(sink);
  /** Of the media, with what the first part will have. */
  let handedOver = PART_BYTES;
  for await (const packet of packets) {
    await writer.add(packet);
    for (; writer.media.byteLength - handedOver >= PART_BYTES; handedOver += PART_BYTES) {
      sending.next(writer.media.subarray(handedOver, handedOver + PART_BYTES));
    }
    sending.throwIfFailed();
  }
  const bytes = await writer.finish();
  if (handedOver === PART_BYTES) return { bytes, partCount: 0 };
  const mediaStart = bytes.byteLength - writer.media.byteLength;
  if (mediaStart + handedOver < bytes.byteLength) sending.next(bytes.subarray(mediaStart + handedOver));
  sending.first(bytes.subarray(0, mediaStart + PART_BYTES));
  return { bytes, partCount: sending.partCount };
}

/** Does not wait for the sink: the capture would wait as well, and what is sent is in memory anyway. */
class Sending {
  partCount = 1;
  private readonly sink: PartSink;
  private failure: { readonly reason: unknown } | null = null;

  constructor(sink: PartSink) {
    this.sink = sink;
  }

  next(bytes: Uint8Array): void {
    this.partCount += 1;
    this.send(this.partCount, bytes);
  }

  first(bytes: Uint8Array): void {
    this.send(1, bytes);
  }

  throwIfFailed(): void {
    if (this.failure !== null) throw this.failure.reason;
  }

  private send(part: number, bytes: Uint8Array): void {
    this.sink.send(part, bytes).catch((reason: unknown) => {
      this.failure ??= { reason };
    });
  }
}
