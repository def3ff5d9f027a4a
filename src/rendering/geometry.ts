/** Sizes of a rendition. Pure. */

import type { Rendition } from '../contracts/video.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The frame's size in a rendition: the template's shape, its shorter side as asked, both even as yuv420p needs. */
export function frameSizeOf(template: Size, rendition: Pick<Rendition, 'shortSide'>): Size {
  const scale = rendition.shortSide / Math.min(template.width, template.height);
  const even = (length: number): number => Math.max(2, 2 * Math.round((length * scale) / 2));
  return { width: even(template.width), height: even(template.height) };
}

/** How much a page is magnified to fill a frame: never less, so that no edge shows what is behind the page. */
export const pageScaleOf = (page: Size, frame: Size): number =>
  Math.max(frame.width / page.width, frame.height / page.height);

/** Bytes of a picture as I420: a luma plane and two of chroma with half its sides, odd ones rounded up. */
export const i420Bytes = ({ width, height }: Size): number =>
  width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
