/**
 * The same video by the HyperFrames CLI (npm `hyperframes`): the same page, the same params as its variables, the same
 * frames, the browser of this machine. It starts a browser for each video; `batch` has it render several in one run.
 * Pictures are compared with its own lossless capture (a PNG sequence).
 */

import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Template } from '../src/templates/template.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { compare, exportPage, type PreparedRival } from './comparison.ts';
import { openPage } from './engine.ts';
import { FRAME_PATTERN, hyperframesRender } from './hyperframes.ts';
import { noteMachine } from './machine.ts';
import { installPeer, peerVersion } from './peers.ts';

export interface HyperframesOptions extends BenchContext {
  readonly runs: number;
  readonly template: string;
  /** Its own quality setting; its default when left out. */
  readonly quality?: string;
  /** Videos that it renders in one run. */
  readonly batch?: number;
}

export async function run(options: HyperframesOptions): Promise<BenchResult> {
  await noteMachine(options.progress, options.signal);
  const template = await openPage(options.template);
  const peer = await installPeer('hyperframes', options);
  const quality = options.quality ?? 'default quality';
  const batch = options.batch === undefined ? '' : `, batch of ${options.batch}`;
  const title = `hyperframes ${await peerVersion(peer, 'hyperframes')}, ${quality}${batch}`;
  return await compare(template, { title, prepare: (folder) => prepare(template, peer, folder, options) }, options);
}

async function prepare(
  template: Template,
  peer: string,
  folder: string,
  { quality, batch, runs, signal }: HyperframesOptions,
): Promise<PreparedRival> {
  const page = join(folder, 'page');
  await exportPage(template, page);
  const variables = join(folder, 'variables.json');
  await writeFile(variables, JSON.stringify(template.example));
  const rows = join(folder, 'rows.json');
  await writeFile(rows, JSON.stringify(Array.from({ length: batch ?? 1 }, () => template.example)));

  const cli = await hyperframesRender(peer, folder, signal);
  const render = (args: readonly string[]) => cli(page, args);
  const fps = ['--fps', String(template.fps)];
  const setting = quality === undefined ? [] : ['--quality', quality];

  return {
    runs: batch === undefined ? runs : 1,
    async captureLossless() {
      const out = join(folder, 'frames');
      await render([...fps, '--format', 'png-sequence', '--variables-file', variables, '--output', out]);
      return join(out, FRAME_PATTERN);
    },
    async render() {
      const single = ['--variables-file', variables, '--output', join(folder, '0.mp4')];
      const several = ['--batch', rows, '--output', join(folder, '{index}.mp4')];
      const done = await render([...fps, ...setting, ...(batch === undefined ? single : several)]);
      const file = join(folder, '0.mp4');
      const { size } = await stat(file);
      return { ...done, value: { file, bytes: size, videos: batch ?? 1 } };
    },
  };
}
