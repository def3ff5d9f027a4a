/** `nightreel render`: one template, one set of params, one file. */

import { lstat, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import cliProgress from 'cli-progress';
import { projectRoot } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import { type Params, RENDITIONS } from '../contracts/video.ts';
import { Renderer } from '../rendering/renderer.ts';
import { listTemplates } from '../templates/list.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import type { RenderCommandOptions } from './render.ts';

const PLAIN_PROGRESS_STEPS = 4;

export async function renderVideo(name: string, options: RenderCommandOptions, signal: AbortSignal): Promise<void> {
  const out = resolve(options.out);
  await assertWritable(out);
  const template = await openTemplate(name);
  const params = await readParams(options.params, template);
  const rendition = RENDITIONS[options.rendition];

  const startedAt = performance.now();
  await using renderer = await Renderer.start({ tools: findTools(), slots: 1, template, log: warningsOnly });
  signal.throwIfAborted();
  const progress = createProgress(process.stderr, template.frameCount);
  const video = await (async () => {
    try {
      return await renderer.render(
        { template, params, rendition },
        { signal, onProgress: ({ frame }) => progress.update(frame) },
      );
    } finally {
      progress.stop();
    }
  })();
  await writeWhole(out, video.bytes);

  const { width, height, frameCount, durationMs, sizeBytes, sha256, stages } = video;
  const msPerFrame = Math.round((10 * stages.captureMs) / frameCount) / 10;
  const wallMs = Math.round(performance.now() - startedAt);
  process.stdout.write(
    [
      `${options.out}`,
      `  ${width}x${height}, ${frameCount} frames, ${durationMs / 1000} s, ${(sizeBytes / 1024).toFixed(0)} KiB`,
      `  ${msPerFrame} ms per frame, ${(wallMs / 1000).toFixed(1)} s in all, browser start included`,
      `  sha256 ${sha256}`,
      '',
    ].join('\n'),
  );
  if (options.json) {
    const { digest: engine, captureRoute } = renderer.fingerprint;
    const result = {
      out,
      template: template.id,
      rendition: rendition.id,
      width,
      height,
      frameCount,
      durationMs,
      sizeBytes,
      sha256,
    };
    process.stdout.write(`${JSON.stringify({ ...result, msPerFrame, wallMs, captureRoute, engine, stages })}\n`);
  }
}

/** A folder when it looks like one or is one; else a name in templates/. */
async function openTemplate(name: string): Promise<Template> {
  const templates = join(projectRoot(), 'templates');
  const known = await listTemplates(templates);
  if (known.includes(name)) return await loadTemplate(join(templates, name));
  const isFolder = await stat(name).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return await loadTemplate(resolve(name));
  throw new Failure(
    'TemplateInvalid',
    `There is no template '${name}': neither a folder nor a name in ${templates}, which has ${known.join(', ') || 'none'}.`,
  );
}

async function readParams(source: string | undefined, template: Template): Promise<Params> {
  if (source === undefined) return template.example;
  const where = source === '-' ? 'stdin' : source.trimStart().startsWith('{') ? '--params' : source;
  const json = where === 'stdin' ? await text(process.stdin) : where === '--params' ? source : await readText(source);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new Failure('ParamsInvalid', `The params of ${where} are not JSON.`, { cause });
  }
  const check = template.validateParams(value);
  if (check.ok) return check.params;
  const lines = check.errors.map(({ path, reason }) => `  ${path} ${reason}`);
  throw new Failure(
    'ParamsInvalid',
    `The params of ${where} do not fit template '${template.id}':\n${lines.join('\n')}\n`,
  );
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure('ParamsInvalid', `The params file ${path} cannot be read.`, { cause });
  });
}

/** Before anything is rendered: the file can be made there, and nothing but a file would be replaced. */
async function assertWritable(path: string): Promise<void> {
  const present = await lstat(path).catch(() => null);
  if (present !== null && !present.isFile()) {
    throw new Failure('EnvironmentInvalid', `${path} is there and is not a file; name another one.`);
  }
  const trial = partialOf(path);
  try {
    await writeFile(trial, '');
    await rm(trial);
  } catch (cause) {
    throw new Failure('EnvironmentInvalid', `No file can be written in ${dirname(path)}: does the folder exist?`, {
      cause,
    });
  }
}

const partialOf = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.partial`);

/** Writes beside the file and renames: there is never half a video under its name. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = partialOf(path);
  try {
    await writeFile(partial, bytes);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** A bar on a terminal; a line at every quarter elsewhere. */
function createProgress(stream: NodeJS.WriteStream, total: number): { update(frame: number): void; stop(): void } {
  if (!stream.isTTY) {
    let quarter = 0;
    return {
      update(frame) {
        const reached = Math.floor((PLAIN_PROGRESS_STEPS * frame) / total);
        if (reached > quarter) stream.write(`${frame} of ${total} frames\n`);
        quarter = reached;
      },
      stop: () => undefined,
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: '{bar} {percentage}% | {value}/{total} frames | {eta_formatted} left',
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { update: (frame) => bar.update(frame), stop: () => bar.stop() };
}

const say = (details: object, message: string): void => {
  process.stderr.write(`nightreel: ${message} ${JSON.stringify(details)}\n`);
};
const silent = (): void => undefined;
const warningsOnly = { debug: silent, info: silent, warn: say, error: say };
