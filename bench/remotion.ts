/**
 * The same video by Remotion (npm `@remotion/cli`): a composition that shows the template's own page in a frame and seeks it
 * at Remotion's times. Bundled before the clock starts; its own ffmpeg, the browser of this machine. Pictures are compared
 * with its own lossless capture (a PNG sequence).
 */

import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
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

export interface RemotionOptions extends BenchContext {
  readonly runs: number;
  readonly template: string;
}

export async function run(options: RemotionOptions): Promise<BenchResult> {
  await noteMachine(options.progress, options.signal);
  const template = await openPage(options.template);
  const peer = await installPeer('remotion', options);
  const title = `remotion ${await peerVersion(peer, 'remotion')}`;
  return await compare(template, { title, prepare: (folder) => prepare(template, peer, folder, options) }, options);
}

async function prepare(
  template: Template,
  peer: string,
  folder: string,
  { runs, signal, progress }: RemotionOptions,
): Promise<PreparedRival> {
  const { headlessShell } = findTools();
  if (headlessShell === undefined) {
    throw new Failure('ToolMissing', 'chromium-headless-shell is missing: Remotion captures with it here.');
  }
  const { entryPath: entry, example: params, width, height, fps, frameCount } = template;
  const [home, pages, bundle, props] = ['home', 'public', 'bundle', 'props.json'].map((name) => join(folder, name));
  if (home === undefined || pages === undefined || bundle === undefined || props === undefined) throw new TypeError();
  await mkdir(home, { recursive: true });
  await exportPage(template, pages);
  await writeFile(props, JSON.stringify({ entry, params, width, height, fps, frameCount }));

  const remotion = (args: readonly string[]) =>
    runMeasured(
      {
        command: process.execPath,
        args: [join(peer, 'node_modules/@remotion/cli/remotion-cli.js'), ...args],
        cwd: peer,
        environment: peerEnvironment(home),
      },
      signal,
    );
  progress.note('Bundling for Remotion');
  await remotion(['bundle', 'index.jsx', '--out-dir', bundle, '--public-dir', pages, '--log', 'error']);
  const render = (out: string, ...args: readonly string[]) =>
    remotion([
      'render',
      bundle,
      'page',
      out,
      '--props',
      props,
      '--browser-executable',
      headlessShell,
      '--log',
      'error',
      ...args,
    ]);

  return {
    runs,
    async captureLossless() {
      const out = join(folder, 'frames');
      await render(out, '--sequence', '--image-format', 'png');
      const digits = /\d+/.exec((await readdir(out))[0] ?? '')?.[0].length ?? 1;
      return join(out, digits > 1 ? `element-%0${digits}d.png` : 'element-%d.png');
    },
    async render() {
      const file = join(folder, 'theirs.mp4');
      const done = await render(file, '--codec', 'h264', '--overwrite');
      return { ...done, value: { file, bytes: (await stat(file)).size, videos: 1 } };
    },
  };
}
