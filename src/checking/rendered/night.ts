/** What ten thousand videos come to. Pure. */

export const VIDEOS = 10_000;
const HOUR_MS = 3_600_000;
/** What is taken for a night: eight hours of sixteen cores. */
export const NIGHT = { hours: 8, cores: 16 } as const;

/**
 * CPU-ms that one frame may take. `moving`, on which every pixel changes, takes 33 to 47 at 1080p (docs/performance.md); three times that is more
 * than the slowest hour of a shared machine explains.
 */
export const HEAVY_FRAME_MS = 150;

export interface Weight {
  readonly cpuHours: number;
  /** Of `NIGHT.cores`, all of them busy. */
  readonly hours: number;
}

/** Of videos that are drawn whole. */
export function weightOf(cpuMsPerFrame: number, frameCount: number): Weight {
  const cpuHours = (cpuMsPerFrame * frameCount * VIDEOS) / HOUR_MS;
  return { cpuHours, hours: cpuHours / NIGHT.cores };
}

/** @param cpuMsPerFrame in the template's own size, at most 1080p. */
export const isHeavy = (cpuMsPerFrame: number, { hours }: Weight): boolean =>
  cpuMsPerFrame > HEAVY_FRAME_MS || hours > NIGHT.hours;

/** What a page has of something, before and after it had the params of so many people. */
export interface Growth {
  readonly before: number;
  readonly middle: number;
  readonly after: number;
}

/** Whether both halves added at least so much to it: what is made once, late, is no growth. */
export const grows = ({ before, middle, after }: Growth, atLeast: number): boolean =>
  middle - before >= atLeast && after - middle >= atLeast;
