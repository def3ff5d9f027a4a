/** The sound of a finished video against what it was to be. */

import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { CHANNELS, SAMPLE_RATE } from './pcm.ts';
import { PACKET_SAMPLES, type Soundtrack } from './soundtrack.ts';

/** AAC-LC (ISO/IEC 14496-3, object type 2). */
const CODEC = 'mp4a.40.2';

/**
 * Failure `OutputInvalid` unless the video has exactly the soundtrack that was made for it, or none where none was. It costs
 * no decoding: that the packets can be heard was shown when they were encoded, and here they are the same, byte by byte.
 */
export async function verifyAudio(mp4: Uint8Array, soundtrack: Soundtrack | null): Promise<void> {
  const wrong = (what: string): Failure => new Failure('OutputInvalid', `The finished video ${what}.`);
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  const [track, ...more] = await input.getAudioTracks();
  if (soundtrack === null) {
    if (track !== undefined) throw wrong('has sound, though its template declares none');
    return;
  }
  if (track === undefined) throw wrong('has no sound, though its template declares some');
  if (more.length > 0) throw wrong(`has ${more.length + 1} audio tracks, not one`);
  const codec = await track.getCodecParameterString();
  if (codec !== CODEC) throw wrong(`has sound in ${codec}, not AAC-LC (${CODEC})`);
  const [rate, channels] = [await track.getSampleRate(), await track.getNumberOfChannels()];
  if (rate !== SAMPLE_RATE || channels !== CHANNELS) throw wrong(`has sound at ${rate} Hz in ${channels} channels`);

  const start = Math.round((await track.getFirstTimestamp()) * SAMPLE_RATE);
  if (start !== -soundtrack.primingSamples)
    throw wrong(`has sound that is ${start + soundtrack.primingSamples} samples late`);
  const samples = Math.round((await track.computeDuration()) * SAMPLE_RATE);
  if (Math.abs(samples - soundtrack.sampleCount) >= PACKET_SAMPLES) {
    throw wrong(`has ${samples} samples of sound, not ${soundtrack.sampleCount}`);
  }
  let index = 0;
  for await (const { data } of new EncodedPacketSink(track).packets()) {
    const packet = soundtrack.packets[index];
    if (packet === undefined || Buffer.compare(data, packet) !== 0)
      throw wrong(`has other sound from packet ${index} on`);
    index += 1;
  }
  if (index !== soundtrack.packets.length) throw wrong(`has ${index} audio packets, not ${soundtrack.packets.length}`);
}
