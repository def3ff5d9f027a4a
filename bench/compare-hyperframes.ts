/**
 * The same video by the HyperFrames CLI (npm `hyperframes`): the same page, the same params as its variables, the same
 * frames, the browser of this machine. It starts a browser for each video; `batch` has it render several in one run.
 * Pictures are compared with its own lossless capture (a PNG sequence).
 */

import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTools } from '../src/config/tools.ts';
import { Failure } from '../src/contracts/failures.ts';
import type { Template } from '../src/templates/template.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { compare, exportPage, type PreparedRival } from './comparison.ts';
import { openPage } from './engine.ts';
import { noteMachine } from './machine.ts';
import { installPeer, peerEnvironment, peerVersion } from './peers.ts';
import { runMeasured } from './program.ts';

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
  const { headlessShell, ffmpeg } = findTools();
  if (headlessShell === undefined) {
    throw new Failure('ToolMissing', 'chromium-headless-shell is missing: HyperFrames captures with it.');
  }
  const page = join(folder, 'page');
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  await exportPage(template, page);
  const variables = join(folder, 'variables.json');
  await writeFile(variables, JSON.stringify(template.example));
  const rows = join(folder, 'rows.json');
  await writeFile(rows, JSON.stringify(Array.from({ length: batch ?? 1 }, () => template.example)));

  const render = (args: readonly string[]) =>
    runMeasured(
      {
        command: process.execPath,
        args: [join(peer, 'node_modules/hyperframes/bin/hyperframes.mjs'), 'render', page, '--quiet', ...args],
        cwd: folder,
        environment: {
          ...peerEnvironment(home),
          PRODUCER_HEADLESS_SHELL_PATH: headlessShell,
          HYPERFRAMES_BROWSER_PATH: headlessShell,
          HYPERFRAMES_FFMPEG_PATH: ffmpeg,
          HYPERFRAMES_NO_TELEMETRY: '1',
          DO_NOT_TRACK: '1',
          HYPERFRAMES_NO_UPDATE_CHECK: '1',
          HYPERFRAMES_NO_AUTO_INSTALL: '1',
          HYPERFRAMES_SKIP_SKILLS: '1',
          // It would stop when any of its ancestors ends, a shell that started this bench for instance; the bench ends it itself.
          HYPERFRAMES_RENDER_DETACHED: '1',
        },
      },
      signal,
    );
  const fps = ['--fps', String(template.fps)];
  const setting = quality === undefined ? [] : ['--quality', quality];

  return {
    runs: batch === undefined ? runs : 1,
    async captureLossless() {
      const out = join(folder, 'frames');
      await render([...fps, '--format', 'png-sequence', '--variables-file', variables, '--output', out]);
      return join(out, 'frame_%06d.png');
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
