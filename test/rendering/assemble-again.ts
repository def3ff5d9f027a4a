/** Joins stored scenes again and again: `assemble-again.ts TIMES SOUNDTRACK SCENE…` prints the digests that came out. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { assemble } from '../../src/rendering/mp4/assemble.ts';
import { unpackScene, unpackSoundtrack } from '../../src/rendering/mp4/stored-scene.ts';

const [times = '1', sound = '', ...files] = process.argv.slice(2);
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
const digests = new Set<string>();
for (let time = 0; time < Number(times); time += 1) {
  const clips = files.map((path) => unpackScene(read(path)).clip);
  const bytes = await assemble(clips, { audio: unpackSoundtrack(read(sound)) });
  digests.add(createHash('sha256').update(bytes).digest('hex'));
}
process.stdout.write(JSON.stringify({ times: Number(times), digests: [...digests] }));
