/** From the last captured frame to an object that can be read: uploaded while it is made, or as a file afterwards. */

import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VariantKey } from '../../src/contracts/ids.ts';
import { objectKeys } from '../../src/contracts/ids.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { viaFile } from '../../src/storage/staging.ts';
import { putVideo, uploadVideo } from '../../src/storage/videos.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { TEMPLATE_FILE } from '../../src/templates/template-file.ts';
import { TestS3 } from '../../test/support/s3.ts';
import type { BenchContext, BenchResult } from '../bench.ts';
import { ROOT, startRenderer } from '../engine.ts';
import { noteMachine } from '../machine.ts';
import { median, rounded } from '../statistics.ts';
import { bytesSentToDisk } from './disk.ts';
import { Link } from './link.ts';

export interface UploadOptions extends BenchContext {
  /** Lengths of the clips. */
  readonly seconds: readonly number[];
  /** Renders of each clip each way; the median counts. Left out: of short clips more, see `DEFAULT_SECONDS`. */
  readonly runs?: number;
}

type Way = 'direct' | 'staged';

interface Upload {
  readonly ms: number;
  readonly peakRssMb: number;
  readonly diskBytes: number;
  readonly sizeBytes: number;
}

const LINK = { roundTripMs: 30, bitsPerSecond: 50_000_000 };
/** So much video is rendered each way when nobody says how often: what a short clip takes varies more. */
const DEFAULT_SECONDS = 60;
const RENDITION = 'web-1080p';
const LOOK_EVERY_MS = 100;
/** The S3 server beside, whose disk is the far end's; and the browser, which writes to its profile and not the video. */
const BYSTANDERS = /^(weed|chromium)/;

export async function run({ seconds, runs, signal, progress }: UploadOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  const runsOf = (clipSeconds: number): number => runs ?? Math.max(1, Math.round(DEFAULT_SECONDS / clipSeconds));
  progress.expect(seconds.reduce((sum, one) => sum + runsOf(one) * 2, 0));
  await using s3 = await TestS3.start();
  await using link = await Link.start(s3.endpoint, LINK);
  using far = s3.store({ endpoint: link.endpoint });
  const rows: BenchResult['rows'] = [];
  const lines: object[] = [];
  for (const clipSeconds of seconds) {
    await using page = await movingFor(clipSeconds);
    const uploads: Record<Way, Upload[]> = { direct: [], staged: [] };
    await using renderer = await startRenderer(page.template, 1);
    const wanted = runsOf(clipSeconds);
    for (let index = 1; index <= wanted; index += 1) {
      for (const way of ['direct', 'staged'] as const) {
        progress.step(`${clipSeconds} s, ${way}: ${index} of ${wanted}`);
        uploads[way].push(await upload(way, { renderer, template: page.template, store: far, signal }));
      }
    }
    const of = (way: Way, figure: keyof Upload): number => median(uploads[way].map((one) => one[figure]));
    const [directMs, stagedMs] = [rounded(of('direct', 'ms'), 0), rounded(of('staged', 'ms'), 0)];
    const ratio = rounded(directMs / stagedMs, 2);
    const [peakRssMb, diskBytesWritten] = [rounded(of('direct', 'peakRssMb'), 0), of('direct', 'diskBytes')];
    const sizeBytes = of('direct', 'sizeBytes');
    lines.push({ clipSeconds, directMs, stagedMs, ratio, peakRssMb, diskBytesWritten, sizeBytes });
    for (const way of ['direct', 'staged'] as const) {
      rows.push({
        'clip, s': clipSeconds,
        upload: way,
        'last frame to readable, ms': rounded(of(way, 'ms'), 0),
        MB: rounded(of(way, 'sizeBytes') / 1e6),
        'Node, peak MB': rounded(of(way, 'peakRssMb'), 0),
        'bytes to disk': of(way, 'diskBytes'),
      });
    }
  }
  return { rows, jsonLines: lines };
}

interface UploadJob {
  readonly renderer: Renderer;
  readonly template: Template;
  /** Behind the link. */
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
}

async function upload(way: Way, { renderer, template, store, signal }: UploadJob): Promise<Upload> {
  const variantKey = createHash('sha256').update(randomUUID()).digest('hex') as VariantKey;
  const engineDigest = renderer.fingerprint.digest;
  const made = { templateDigest: template.digest, batchId: 'bench/2026-11-20/1', engineDigest };
  const origin = { variantKey, rendition: RENDITION, ...made, renderMs: 1 } as const;
  let lastFrameAt = Number.NaN;
  const onProgress = ({ frame, frameCount }: { readonly frame: number; readonly frameCount: number }): void => {
    if (frame === frameCount) lastFrameAt = performance.now();
  };
  let peakRss = 0;
  const timer = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, LOOK_EVERY_MS);
  const before = bytesSentToDisk({ except: BYSTANDERS });
  try {
    await using parts = way === 'direct' ? uploadVideo(store, origin, { signal }) : null;
    const request = { template, params: template.example, rendition: RENDITIONS[RENDITION] };
    const video = await renderer.render(request, { signal, onProgress, parts });
    const finished = { ...video, making: 'whole' as const };
    const { sizeBytes } = await (way === 'staged'
      ? viaFile(video.bytes, (bytes) => putVideo(store, { ...finished, bytes }, origin, signal))
      : putVideo(store, finished, origin, signal, parts));
    const ms = performance.now() - lastFrameAt;
    return { ms, sizeBytes, peakRssMb: peakRss / 2 ** 20, diskBytes: bytesSentToDisk({ except: BYSTANDERS }) - before };
  } finally {
    clearInterval(timer);
    await store.remove(objectKeys.video(variantKey));
  }
}

/** The page on which everything moves, for so long. */
async function movingFor(seconds: number): Promise<{ readonly template: Template } & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-upload-'));
  await cp(join(ROOT, 'bench/pages/moving'), folder.path, { recursive: true });
  await rewrite(join(folder.path, TEMPLATE_FILE), /"durationMs": \d+/, `"durationMs": ${seconds * 1000}`);
  await rewrite(join(folder.path, 'index.html'), /data-duration="\d+"/, `data-duration="${seconds}"`);
  await rewrite(join(folder.path, 'index.html'), /const DURATION = \d+;/, `const DURATION = ${seconds};`);
  const template = await loadTemplate(folder.path);
  return { template, [Symbol.asyncDispose]: () => folder.remove() };
}

async function rewrite(path: string, pattern: RegExp, text: string): Promise<void> {
  await writeFile(path, (await readFile(path, 'utf8')).replace(pattern, text));
}
