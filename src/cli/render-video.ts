/** `nightreel render`: one template, one set of params, one capture; a file per rendition. */

import { performance } from 'node:perf_hooks';
import { readCapture } from '../config/capture.ts';
import { findTools } from '../config/tools.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import { type Params, RENDITIONS, type Rendition } from '../contracts/video.ts';
import { type RenderedVideo, Renderer } from '../rendering/renderer.ts';
import { PREVIEW_DEFAULTS } from '../rendering/stills/preview-plan.ts';
import type { Template } from '../templates/template.ts';
import type { RenderCommandOptions } from './render.ts';
import { assertWritable, pathsOf, writeWhole } from './render-files.ts';
import { openTemplate, readParams } from './render-input.ts';
import { createProgress } from './render-progress.ts';
import type { Comparison } from './verify-determinism.ts';
import { warningsOnly } from './warnings-only.ts';

/** What is rendered. */
export interface Given {
  readonly template: Template;
  readonly params: Params;
  /** Told the digest of the engine that renders it. */
  readonly onEngine?: (digest: string) => void;
}

/** Of the command line: a template by its name or folder, params from wherever they are. */
export const givenBy = (name: string, params: string | undefined, signal: AbortSignal) => async (): Promise<Given> => {
  const template = await openTemplate(name);
  return { template, params: await readParams(params, template, signal) };
};

export async function renderVideo(
  given: () => Promise<Given>,
  options: RenderCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { files, encoder, capture = readCapture() } = options;
  for (const path of pathsOf(files)) await assertWritable(path);
  const { template, params, onEngine } = await given();
  const [first = RENDITIONS['web-1080p'], ...rest] = files.renditions.map((id) => RENDITIONS[id]);
  const renditions: readonly [Rendition, ...Rendition[]] = [first, ...rest];
  const preview = files.preview === null ? null : { ...PREVIEW_DEFAULTS, format: files.preview.format };

  const startedAt = performance.now();
  const tools = findTools();
  const { videos, fingerprint } = await (async () => {
    await using renderer = await Renderer.start({
      tools,
      capture,
      encoder,
      slots: 1,
      template,
      log: warningsOnly,
      signal,
    });
    signal.throwIfAborted();
    onEngine?.(renderer.fingerprint.digest);
    using progress = createProgress(process.stderr, template.frameCount);
    const rendered = await renderer.renderLadder(
      { template, params, renditions },
      { signal, preview, onProgress: ({ frame }) => progress.update(frame) },
    );
    return { videos: rendered, fingerprint: renderer.fingerprint };
  })();
  const [video] = videos;
  if (video === undefined) return;
  const wallMs = Math.round(performance.now() - startedAt);

  let determinism: Comparison | null = null;
  if (options.verifyDeterminism === true) {
    const { compareWithFresh } = await import('./verify-determinism.ts');
    process.stderr.write('Rendering again, in another process\n');
    const again = { template, params, capture, encoder, tools };
    determinism = await compareWithFresh({ ...again, videos, fingerprint }, signal);
  }
  await writeWhole(filesOf(videos, options));
  const previewed = files.preview !== null && video.preview !== null ? files.preview.path : null;

  const { frameCount, durationMs, stages } = video;
  const msPerFrame = Math.round((10 * stages.captureMs) / frameCount) / 10;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  for (const [at, { rendition, width, height, sizeBytes, sha256 }] of videos.entries()) {
    print(files.videos[at] ?? rendition.id);
    print(`  ${width}x${height}, ${frameCount} frames, ${durationMs / 1000} s, ${(sizeBytes / 1024).toFixed(0)} KiB`);
    print(`  sha256 ${sha256}`);
  }
  if (files.poster !== null) print(files.poster);
  if (previewed !== null) print(previewed);
  else if (files.preview !== null)
    warningsOnly.warn({}, 'no preview was written: not even one picture of it is small enough');
  print(`${msPerFrame} ms per frame, ${(wallMs / 1000).toFixed(1)} s in all, browser start included`);

  for (const line of determinism?.lines ?? []) print(line);
  if (options.json) {
    const described = videos.map(({ rendition, width, height, sizeBytes, sha256 }, at) => {
      return { out: files.videos[at] ?? null, rendition: rendition.id, width, height, sizeBytes, sha256 };
    });
    const result = {
      ...(described.length === 1 ? described[0] : {}),
      template: template.id,
      frameCount,
      durationMs,
      videos: described,
      poster: files.poster,
      preview: previewed,
      ...{ msPerFrame, wallMs, stages },
      ...{ captureRoute: fingerprint.captureRoute, engine: fingerprint.digest, fingerprint },
      ...(determinism === null ? {} : { determinism: determinism.json }),
    };
    print(JSON.stringify(result));
  }
  if (determinism !== null && determinism.difference !== null) {
    process.stderr.write(`nightreel: ${determinism.difference}\n`);
    process.exitCode = EXIT.unexpected;
  }
}

/** All that is to be written, by path. */
function filesOf(videos: readonly RenderedVideo[], { files }: RenderCommandOptions): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (const [at, { bytes, poster, preview }] of videos.entries()) {
    const path = files.videos[at];
    if (path !== undefined) contents.set(path, bytes);
    if (at > 0) continue;
    if (files.poster !== null) contents.set(files.poster, poster);
    if (files.preview !== null && preview !== null) contents.set(files.preview.path, preview);
  }
  return contents;
}
