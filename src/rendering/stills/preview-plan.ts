/** Which frames an animated preview shows, and for how long. Pure. */

export interface PreviewOptions {
  /** `gif` moves in every mail program that shows moving pictures at all; `webp` is a fifth of its size. */
  readonly format: 'webp' | 'gif';
  /** Pixels; the height follows. Never wider than the video. */
  readonly width: number;
  readonly fps: number;
  /** Of what moves; the poster is held in front of it. */
  readonly lengthMs: number;
  /** A preview that would be larger is made of fewer colours, then of fewer frames. */
  readonly limitBytes: number;
}

export const PREVIEW_DEFAULTS: PreviewOptions = {
  format: 'gif',
  width: 320,
  fps: 8,
  lengthMs: 3_000,
  limitBytes: 1_000_000,
};

/** One picture of the preview. */
export interface PreviewStep {
  /** Number of the frame in the film. */
  readonly frame: number;
  readonly ms: number;
}

/** Parts of a film that is longer than its preview. */
const EXCERPTS = 3;
/** Fewer would be a flicker. */
const EXCERPT_MS = 600;
/** GIF counts in hundredths of a second. */
const TICK_MS = 10;
const LIMITS = { width: [16, 960], fps: [1, 20], lengthMs: [100, 10_000], limitBytes: [1_000, 10_000_000] } as const;

/** RangeError names the first option that is out of range. */
export function checkPreviewOptions(options: PreviewOptions): void {
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = options[name as keyof typeof LIMITS];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`A preview's ${name} is a whole number from ${least} to ${most}, not ${value}.`);
    }
  }
}

/** The whole of a short film; of a longer one three excerpts, each from the middle of its third. Ascending, each frame once. */
export function previewSteps(
  film: { readonly frameCount: number; readonly fps: number },
  { fps, lengthMs }: Pick<PreviewOptions, 'fps' | 'lengthMs'>,
): PreviewStep[] {
  const filmMs = (film.frameCount * 1000) / film.fps;
  const excerpts = filmMs <= lengthMs ? 1 : Math.max(1, Math.min(EXCERPTS, Math.floor(lengthMs / EXCERPT_MS)));
  const excerptMs = Math.min(filmMs, lengthMs) / excerpts;
  const frames: number[] = [];
  for (let excerpt = 0; excerpt < excerpts; excerpt++) {
    const startMs = ((excerpt + 0.5) * filmMs) / excerpts - excerptMs / 2;
    const count = Math.max(1, Math.round((excerptMs * fps) / 1000));
    for (let step = 0; step < count; step++) {
      frames.push(Math.min(film.frameCount - 1, Math.round(((startMs + (step * 1000) / fps) * film.fps) / 1000)));
    }
  }
  const endOf = (index: number): number => Math.round((index * 1000) / fps / TICK_MS) * TICK_MS;
  const steps: PreviewStep[] = [];
  for (const [index, frame] of frames.entries()) {
    const ms = endOf(index + 1) - endOf(index);
    const last = steps.at(-1);
    // A film of fewer frames per second than the preview.
    if (last?.frame === frame) steps[steps.length - 1] = { frame, ms: last.ms + ms };
    else steps.push({ frame, ms });
  }
  return steps;
}
