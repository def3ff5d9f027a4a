/** One fragmented stream → one fast-start MP4, in memory, packets copied. */

import {
  BufferSource,
  BufferTarget,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MP4,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { zeroCreationTimes } from './boxes.ts';

/**
 * The same packets in one MP4 with its index in front. The same bytes for the same stream, always: timestamps are set
 * from frame numbers, and no clock is written.
 */
export async function remux(fragmented: Uint8Array, { fps }: { readonly fps: number }): Promise<Uint8Array> {
  using input = new Input({ formats: [MP4], source: new BufferSource(fragmented) });
  const track = await input.getPrimaryVideoTrack();
  const decoderConfig = await track?.getDecoderConfig();
  if (track === null || !decoderConfig) throw new Failure('OutputInvalid', 'ffmpeg wrote no video track.');

  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const video = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(video, { frameRate: fps });
  await output.start();
  let meta: { decoderConfig: VideoDecoderConfig } | undefined = { decoderConfig };
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const frame = Math.round(packet.timestamp * fps);
    await video.add(new EncodedPacket(packet.data, packet.type, frame / fps, 1 / fps), meta);
    meta = undefined;
  }
  await output.finalize();
  if (target.buffer === null) throw new Failure('OutputInvalid', 'The MP4 came out empty.');
  const bytes = new Uint8Array(target.buffer);
  zeroCreationTimes(bytes);
  return bytes;
}
