/**
 * HyperFrames compositions as they are, by this engine and by the HyperFrames CLI (npm `hyperframes`): every frame of both
 * lossless captures is compared, in what the encoder takes.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext, BenchResult } from '../bench.ts';
import { browserLauncher, ROOT } from '../engine.ts';
import { hyperframesRender } from '../hyperframes.ts';
import { noteMachine } from '../machine.ts';
import { installPeer, peerVersion } from '../peers.ts';
import { COMPOSITIONS, type OpenComposition, openComposition } from './compositions.ts';
import { capture, readSequence, secondsOf } from './frames.ts';
import { type Compatibility, compatibilityOf, missedBy, psnrText, rowOf, type Theirs, withTable } from './table.ts';

export interface CompatOptions extends BenchContext {
  /** Of `COMPOSITIONS`. */
  readonly only: readonly string[];
  /** Also writes the table of docs/compatibility.md. */
  readonly write: boolean;
}

/** How long it waits for a timeline, which compositions without GSAP do not have, before it goes on without. */
const THEIR_PATIENCE_MS = 10_000;
const DOCUMENT = join(ROOT, 'docs/compatibility.md');

export async function run({ only, write, signal, progress }: CompatOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  const peer = await installPeer('hyperframes', { signal, progress });
  const versions = {
    hyperframes: await peerVersion(peer, 'hyperframes'),
    runtime: await peerVersion(ROOT, '@hyperframes/core'),
  };
  progress.expect(2 * only.length);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-compat-'));
  const compared: Compatibility[] = [];
  try {
    await using browser = await (await browserLauncher(signal))();
    for (const name of only) {
      await using composition = await openComposition(name);
      progress.step(`${name}: nightreel`);
      const ours = await capture(browser, composition, signal);
      progress.step(`${name}: hyperframes`);
      const theirs = await theirsOf(composition, { peer, folder: join(folder, name), signal });
      const one = compatibilityOf(
        { name, what: COMPOSITIONS[name] ?? '', fps: composition.template.fps },
        ours,
        theirs,
      );
      progress.note(
        `${name}: ${one.identical} of ${one.frames} frames (theirs: ${one.theirFrames}) identical, least PSNR ${psnrText(one)}`,
      );
      compared.push(one);
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  if (write) await writeFile(DOCUMENT, withTable(await readFile(DOCUMENT, 'utf8'), versions, compared));
  return { rows: compared.map(rowOf), json: { ...versions, compositions: compared }, missed: missedBy(compared) };
}

interface TheirOptions {
  readonly peer: string;
  readonly folder: string;
  readonly signal: AbortSignal;
}

async function theirsOf(
  { folder: page, template, params }: OpenComposition,
  { peer, folder, signal }: TheirOptions,
): Promise<Theirs> {
  await mkdir(folder, { recursive: true });
  const render = await hyperframesRender(peer, folder, signal);
  const frames = join(folder, 'frames');
  const patience = ['--player-ready-timeout', String(THEIR_PATIENCE_MS)];
  const variables = ['--variables', JSON.stringify(params)];
  await render(page, [...patience, ...variables, '--format', 'png-sequence', '--output', frames]);
  const video = join(folder, 'video.mp4');
  await render(page, [...patience, ...variables, '--quality', 'draft', '--output', video]);
  return { frames: await readSequence(frames, template), seconds: await secondsOf(video) };
}
