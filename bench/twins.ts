/** A whole night twice, from scenes and whole: what each took, and how near every joined video is to its twin. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pMap from 'p-map';
import { loadCampaign } from '../src/config/campaign.ts';
import { findTools } from '../src/config/tools.ts';
import { Failure } from '../src/contracts/failures.ts';
import type { SceneKey } from '../src/contracts/ids.ts';
import { RENDITIONS } from '../src/contracts/video.ts';
import { partsOf, type VideoPart } from '../src/planning/scene-key.ts';
import { machineSize, slotsFor } from '../src/rendering/browser/sizing.ts';
import { joinScenes } from '../src/rendering/join.ts';
import { packScene, unpackScene } from '../src/rendering/mp4/stored-scene.ts';
import { readContainer } from '../src/rendering/verify/container.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { openPage, ROOT, renderOne, startRenderer } from './engine.ts';
import { noteMachine } from './machine.ts';
import { NIGHTS, variantsOf } from './night.ts';
import { rounded } from './statistics.ts';
import { measure } from './usage.ts';

export interface TwinsOptions extends BenchContext {
  readonly recipients: number;
}

export async function run({ signal, progress, recipients }: TwinsOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  const template = await openPage('referral');
  const { rendition } = await loadCampaign(ROOT, 'referral');
  const { ffmpeg } = findTools();
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-twins-'));
  try {
    const night = { path: join(folder, 'w.duckdb'), date: NIGHTS[0] as (typeof NIGHTS)[number], recipients };
    const variants = await variantsOf(template, rendition, night, signal);
    const identity = { engineDigest: 'bench', template, rendition };
    const parts = new Map<SceneKey, VideoPart>();
    for (const { params } of variants) for (const part of partsOf(identity, params)) parts.set(part.key, part);
    progress.expect(parts.size + 3 * variants.length);
    const slots = slotsFor(machineSize());
    await using renderer = await startRenderer(template, slots);
    await renderOne(renderer, { template, rendition }, signal);
    const concurrency = { concurrency: slots, signal };
    const fileOf = (key: string): string => join(folder, `${key}.mp4`);
    const whole = { ...RENDITIONS[rendition] };

    const joined = await measure(async () => {
      const stored = new Map<SceneKey, Uint8Array>();
      await pMap(
        parts.values(),
        async ({ key, scene, params }) => {
          progress.step('scenes');
          if (scene === null) return;
          const request = { template, params, rendition: whole, scene };
          stored.set(key, packScene(await renderer.renderScene(request, { signal })));
        },
        concurrency,
      );
      for (const { key, params } of variants) {
        progress.step('joining');
        const scenes = partsOf(identity, params).flatMap((part) => stored.get(part.key) ?? []);
        const video = await joinScenes({
          template,
          rendition: whole,
          scenes: scenes.map(unpackScene),
          soundtrack: null,
        });
        await writeFile(fileOf(key), video.bytes);
      }
    });

    let worst = { ssim: Number.POSITIVE_INFINITY, frame: 0 };
    let [joinedBytes, wholeBytes, differentLength, cpuOfWhole, wallOfWhole] = [0, 0, 0, 0, 0];
    for (let at = 0; at < variants.length; at += slots) {
      const some = variants.slice(at, at + slots);
      const rendered = await measure(() =>
        Promise.all(
          some.map(async ({ key, params }) => {
            progress.step('whole');
            return { key, ...(await renderOne(renderer, { template, params, rendition }, signal)) };
          }),
        ),
      );
      cpuOfWhole += rendered.cpuMs;
      wallOfWhole += rendered.wallMs;
      for (const { key, bytes, width, height, frameCount, durationMs } of rendered.value) {
        progress.step('comparing');
        const own = await readFile(fileOf(key));
        joinedBytes += own.byteLength;
        wholeBytes += bytes.byteLength;
        await readContainer(own, { width, height, frameCount, durationMs }).catch(() => {
          differentLength += 1;
        });
        const twin = fileOf(`${key}-whole`);
        await writeFile(twin, bytes);
        const frames = await ssimOf(ffmpeg, { one: fileOf(key), other: twin, folder }, signal);
        if (frames.length !== frameCount) differentLength += 1;
        for (const [frame, ssim] of frames.entries()) if (ssim < worst.ssim) worst = { ssim, frame };
        await rm(twin);
      }
    }
    const json = {
      recipients: variants.reduce((sum, variant) => sum + variant.recipients.size, 0),
      variants: variants.length,
      scenes: parts.size,
      cpuSeconds: rounded(joined.cpuMs / 1000),
      cpuSecondsWhole: rounded(cpuOfWhole / 1000),
      ratio: rounded(cpuOfWhole / joined.cpuMs, 2),
      wallSeconds: rounded(joined.wallMs / 1000),
      wallSecondsWhole: rounded(wallOfWhole / 1000),
      sizeRatio: rounded(joinedBytes / wholeBytes, 3),
      differentLength,
      worstSsim: rounded(worst.ssim, 4),
      worstFrame: worst.frame,
    };
    return { rows: [json], json };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Twins {
  readonly one: string;
  readonly other: string;
  readonly folder: string;
}

/** SSIM of every frame, planes weighted by their samples; 1 is equal. */
async function ssimOf(ffmpeg: string, { one, other, folder }: Twins, signal: AbortSignal): Promise<number[]> {
  const log = join(folder, 'ssim.txt');
  const graph = `[0:v]settb=1/1000,setpts=N[a];[1:v]settb=1/1000,setpts=N[b];[a][b]ssim=shortest=1:stats_file=${log}`;
  const inputs = ['-v', 'error', '-nostdin', '-i', one, '-i', other];
  const args = [...inputs, '-lavfi', graph, '-fps_mode', 'passthrough', '-f', 'null', '-'];
  await promisify(execFile)(ffmpeg, args, { signal });
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const all = /All:([\d.]+)/.exec(line)?.[1];
    if (all === undefined) throw new Failure('Internal', `ffmpeg's ssim wrote another line than expected: ${line}`);
    return Number(all);
  });
}
