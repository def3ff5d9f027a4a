/** The HyperFrames CLI (npm `hyperframes`) as the benches run it: the browser and ffmpeg of this machine, nothing sent anywhere. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findTools } from '../src/config/tools.ts';
import { Failure } from '../src/contracts/failures.ts';
import { peerEnvironment } from './peers.ts';
import { runMeasured } from './program.ts';
import type { Measured } from './usage.ts';

/** `hyperframes render PAGE …`. `folder`: for its home and whatever it leaves there. */
export async function hyperframesRender(
  peer: string,
  folder: string,
  signal: AbortSignal,
): Promise<(page: string, args: readonly string[]) => Promise<Measured<string>>> {
  const { headlessShell, ffmpeg } = findTools();
  if (headlessShell === undefined) {
    throw new Failure('ToolMissing', 'chromium-headless-shell is missing: HyperFrames captures with it.');
  }
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const environment = {
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
  };
  const program = join(peer, 'node_modules/hyperframes/bin/hyperframes.mjs');
  return (page, args) =>
    runMeasured(
      {
        command: process.execPath,
        args: [program, 'render', page, '--quiet', ...args],
        cwd: folder,
        environment,
      },
      signal,
    );
}

/** Where a PNG sequence has its frames: the pattern for ffmpeg. */
export const FRAME_PATTERN = 'frame_%06d.png';
