/** What joining a 1080p video from stored scenes costs: from their packed bytes in memory to the file and its digest. */

import { RENDITIONS } from '../src/contracts/video.ts';
import { partsOf } from '../src/planning/scene-key.ts';
import type { Soundtrack } from '../src/rendering/audio/soundtrack.ts';
import { joinScenes } from '../src/rendering/join.ts';
import { assemble } from '../src/rendering/mp4/assemble.ts';
import { assertSound, packScene, unpackScene } from '../src/rendering/mp4/stored-scene.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { openPage, startRenderer } from './engine.ts';
import { noteMachine } from './machine.ts';
import { rounded } from './statistics.ts';

export interface AssemblyOptions extends BenchContext {
  readonly runs: number;
  readonly template: string;
}

const RENDITION = RENDITIONS['web-1080p'];

export async function run({ signal, progress, runs, template: name }: AssemblyOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  const template = await openPage(name);
  progress.expect(template.scenes.length + 4);
  const stored: Uint8Array[] = [];
  let soundtrack: Soundtrack | null = null;
  {
    await using renderer = await startRenderer(template, 1);
    const identity = { engineDigest: renderer.fingerprint.digest, template, rendition: RENDITION.id };
    for (const { scene, params } of partsOf(identity, template.example)) {
      if (scene === null) {
        soundtrack = await renderer.renderSoundtrack({ template, params }, { signal });
        continue;
      }
      progress.step(`rendering scene '${scene.id}'`);
      const request = { template, params, rendition: RENDITION, scene };
      stored.push(packScene(await renderer.renderScene(request, { signal })));
    }
  }

  const unpacked = stored.map(unpackScene);
  const clips = unpacked.map(({ clip }) => clip);
  const digests = new Set<string>();
  const join = async (): Promise<void> => {
    const scenes = stored.map(unpackScene);
    digests.add((await joinScenes({ template, rendition: RENDITION, scenes, soundtrack })).sha256);
  };
  const figure = async (what: string, work: () => unknown): Promise<number> => {
    progress.step(what);
    for (let index = 0; index < runs; index += 1) await work();
    signal.throwIfAborted();
    const before = process.cpuUsage();
    for (let index = 0; index < runs; index += 1) await work();
    const { user, system } = process.cpuUsage(before);
    return rounded((user + system) / 1000 / runs, 2);
  };
  const json = {
    cpuMsPerAssembly: await figure('joining, as for a variant', join),
    cpuMsOfMuxing: await figure('muxing alone', () => assemble(clips, { audio: soundtrack })),
    /** Once per scene and worker, when it comes from the store. */
    cpuMsOfChecksums: await figure('checksums of what comes from the store', () => stored.forEach(assertSound)),
    runs,
    sizeBytes: (await assemble(clips, { audio: soundtrack })).byteLength,
    seconds: template.durationMs / 1000,
    differentDigests: digests.size,
  };
  return { rows: [json], json };
}
