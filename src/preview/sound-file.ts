/** A soundtrack as a file that a browser plays without a picture. */

import { BufferTarget, Mp4OutputFormat, Output } from 'mediabunny';
import { Failure } from '../contracts/failures.ts';
import type { Soundtrack } from '../rendering/audio/soundtrack.ts';
import { SoundWriter } from '../rendering/mp4/mp4-writer.ts';

/** An M4A: the very packets that a video gets. */
export async function soundFile(soundtrack: Soundtrack): Promise<Uint8Array> {
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const writer = new SoundWriter(output, soundtrack);
  await output.start();
  await writer.writeUntil(Number.POSITIVE_INFINITY);
  await output.finalize();
  if (target.buffer === null) throw new Failure('Internal', 'The file of the sound came out empty.');
  return new Uint8Array(target.buffer);
}
