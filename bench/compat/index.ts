/**
 * HyperFrames compositions as they are, by this engine and by the HyperFrames CLI (npm `hyperframes`): every frame of both
 * lossless captures is compared, in what the encoder takes; and the number of frames and the length of both videos.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BufferSource, Input, MP4 } from 'mediabunny';
import { RENDITIONS } from '../../src/contracts/video.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import type { BenchContext, BenchResult } from '../bench.ts';
import { browserLauncher, ROOT, startRenderer } from '../engine.ts';
import { hyperframesRender } from '../hyperframes.ts';
import { noteMachine } from '../machine.ts';
import { installPeer, peerVersion } from '../peers.ts';
import { COMPOSITIONS, type OpenComposition, openComposition } from './compositions.ts';
import { capture, readSequence } from './frames.ts';
import { type Compatibility, compatibilityOf, rowOf, withTable } from './table.ts';

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
  const version = await peerVersion(peer, 'hyperframes');
  progress.expect(3 * only.length);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-compat-'));
  const compared: Compatibility[] = [];
  try {
    await using browser = await (await browserLauncher(signal))();
    let renderer: Renderer | null = null;
    await using resources = new AsyncDisposableStack();
    for (const name of only) {
      await using composition = await openComposition(name);
      renderer ??= resources.use(await startRenderer(composition.template, 1));
      progress.step(`${name}: nightreel`);
      const ours = await oursOf(composition, browser, renderer, signal);
      const theirs = await theirsOf(composition, { peer, folder: join(folder, name), signal, step: progress.step });
      compared.push(compatibilityOf(name, COMPOSITIONS[name] ?? '', ours, theirs));
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  if (write) await writeFile(DOCUMENT, withTable(await readFile(DOCUMENT, 'utf8'), version, compared));
  return { rows: compared.map(rowOf), json: { hyperframes: version, compositions: compared } };
}

async function oursOf(composition: OpenComposition, browser: WarmBrowser, renderer: Renderer, signal: AbortSignal) {
  const { template, params } = composition;
  const frames = await capture(browser, composition, signal);
  const { bytes } = await renderer.render({ template, params, rendition: RENDITIONS['email-480p'] }, { signal });
  return { frames, video: await describe(bytes) };
}

interface TheirOptions {
  readonly peer: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly step: (what: string) => void;
}

async function theirsOf(
  { name, folder: page, template, params }: OpenComposition,
  { peer, folder, signal, step }: TheirOptions,
) {
  await mkdir(folder, { recursive: true });
  const render = await hyperframesRender(peer, folder, signal);
  const common = ['--player-ready-timeout', String(THEIR_PATIENCE_MS), '--variables', JSON.stringify(params)];
  step(`${name}: hyperframes, lossless`);
  const sequence = join(folder, 'frames');
  await render(page, [...common, '--format', 'png-sequence', '--output', sequence]);
  step(`${name}: hyperframes, video`);
  const video = join(folder, 'video.mp4');
  await render(page, [...common, '--quality', 'draft', '--output', video]);
  return { frames: await readSequence(sequence, template), video: await describe(await readFile(video)) };
}

/** What a player would say of a video. */
async function describe(mp4: Uint8Array) {
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  const track = await input.getPrimaryVideoTrack();
  return {
    frames: (await track?.computePacketStats())?.packetCount ?? 0,
    seconds: (await track?.computeDuration()) ?? 0,
    hasSound: (await input.getPrimaryAudioTrack()) !== null,
  };
}
