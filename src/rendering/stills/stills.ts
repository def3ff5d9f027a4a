/** Still pictures of a video, from the frames that were captured for it: a poster, and an animated preview for e-mail. */

import sharp from 'sharp';
import { Failure } from '../../contracts/failures.ts';
import type { Frame } from '../capture/frame-source.ts';
import type { Size } from '../geometry.ts';
import { rgbOf, smallRgbOf } from './pixels.ts';
import { PosterChoice } from './poster-choice.ts';
import { checkPreviewOptions, type PreviewOptions, previewSteps } from './preview-plan.ts';

export interface StillsOptions {
  /** Of the captured frames; the poster is as large. */
  readonly size: Size;
  readonly fps: number;
  readonly frameCount: number;
  /** The template's; null: a telling frame is chosen. */
  readonly posterFrame: number | null;
  /** `jpeg` when left out. */
  readonly posterFormat?: 'jpeg' | 'webp';
  readonly preview?: PreviewOptions | null;
}

export interface Stills {
  readonly poster: Uint8Array;
  /** Number of the frame that the poster shows. */
  readonly posterFrame: number;
  /** What it is worth beside posters of other parts; 0 when the author named it. */
  readonly posterScore: number;
  /** Null when none was asked for, or not even its first picture alone keeps to the limit. */
  readonly preview: Uint8Array | null;
}

interface Page {
  readonly rgb: Buffer;
  readonly ms: number;
}

const POSTER_QUALITY = { jpeg: 88, webp: 84 } as const;
/** How long a preview shows the poster first: some mail programs never show more than the first picture. */
const POSTER_MS = 1_000;
/** What a preview is made with; the next when it comes out too large. `every`: so many steps share one picture. */
const THRIFT = [
  { quality: 72, colours: 128, every: 1 },
  { quality: 50, colours: 64, every: 1 },
  { quality: 50, colours: 64, every: 2 },
  { quality: 40, colours: 32, every: 4 },
  { quality: 40, colours: 64, every: Number.POSITIVE_INFINITY },
] as const;
const CHANNELS = 3;

/**
 * Sees every frame on its way to the encoder and copies those few that it needs: one frame, and small pictures for the
 * preview. RangeError when the preview's options are out of range. Of a 12 s film at 1080p, the poster takes 60 CPU-ms in
 * all; a preview of 3 s and 320 pixels another 150 as WebP (90 kB on the referral template) and 450 as GIF (350 kB).
 */
export class StillsCollector {
  private readonly options: StillsOptions;
  private readonly choice: PosterChoice;
  private readonly steps: Map<number, number>;
  private readonly small: Size;
  private readonly pages: Page[] = [];
  private hasChanged = true;

  constructor(options: StillsOptions) {
    const { size, preview } = options;
    this.options = options;
    this.choice = new PosterChoice({ ...size, fps: options.fps, wanted: options.posterFrame });
    if (preview) checkPreviewOptions(preview);
    this.small = preview ? fitted(size, preview.width) : size;
    this.steps = new Map(preview ? previewSteps(options, preview).map(({ frame, ms }) => [frame, ms]) : []);
  }

  /** Every frame once, in order. */
  consider(frame: Frame): void {
    this.choice.consider(frame);
    if (!frame.isRepeat) this.hasChanged = true;
    const ms = this.steps.get(frame.index);
    if (ms === undefined) return;
    const last = this.pages.at(-1);
    if (last !== undefined && !this.hasChanged) this.pages[this.pages.length - 1] = { ...last, ms: last.ms + ms };
    else this.pages.push({ rgb: smallRgbOf(frame.data, this.options.size, this.small), ms });
    this.hasChanged = false;
  }

  /** Encodes what was kept. The same frames give the same bytes. */
  async finish(signal: AbortSignal): Promise<Stills> {
    const { size, preview, posterFormat = 'jpeg' } = this.options;
    const chosen = this.choice.choice;
    if (chosen === null) throw new Failure('Internal', 'Stills were asked for before a frame was shown.');
    signal.throwIfAborted();
    const picture = sharp(rgbOf(chosen.data, size), { raw: { ...size, channels: CHANNELS } });
    const quality = POSTER_QUALITY[posterFormat];
    const poster = await (posterFormat === 'jpeg'
      ? picture.jpeg({ quality, chromaSubsampling: '4:2:0' })
      : picture.webp({ quality })
    ).toBuffer();
    const { index: posterFrame, score: posterScore, data } = chosen;
    if (!preview) return { poster, posterFrame, posterScore, preview: null };
    const first = { rgb: smallRgbOf(data, size, this.small), ms: POSTER_MS };
    return {
      poster,
      posterFrame,
      posterScore,
      preview: await animate([first, ...this.pages], this.small, preview, signal),
    };
  }
}

/** The same shape at a width of at most so much. */
function fitted({ width, height }: Size, most: number): Size {
  const wide = Math.min(width, most);
  return { width: wide, height: Math.max(1, Math.round((height * wide) / width)) };
}

async function animate(
  pages: readonly Page[],
  { width, height }: Size,
  { format, limitBytes }: PreviewOptions,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  for (const { quality, colours, every } of THRIFT) {
    signal.throwIfAborted();
    const shown = thinned(pages, every);
    const animation = { loop: 0, delay: shown.map(({ ms }) => ms) };
    const strip = sharp(Buffer.concat(shown.map(({ rgb }) => rgb)), {
      raw: { width, height: height * shown.length, channels: CHANNELS, pageHeight: height },
    });
    const encoded = await (format === 'gif'
      ? strip.gif({ ...animation, colours, effort: 4, dither: 0.5, interFrameMaxError: 4 })
      : strip.webp({ ...animation, quality, effort: 3 })
    ).toBuffer();
    if (encoded.byteLength <= limitBytes) return encoded;
  }
  return null;
}

/** The first picture, the poster, and then one of every so many; each stays for as long as those that it stands for. */
function thinned([first, ...rest]: readonly Page[], every: number): Page[] {
  const kept: Page[] = first === undefined ? [] : [first];
  if (every === Number.POSITIVE_INFINITY) return kept;
  for (const [index, page] of rest.entries()) {
    const last = kept.at(-1);
    if (index % every === 0 || last === undefined) kept.push(page);
    else kept[kept.length - 1] = { ...last, ms: last.ms + page.ms };
  }
  return kept;
}
