/** What a page looks like: the part of a capture route that belongs to one browser. */

import type { Template } from '../../templates/template.ts';
import type { DevTools } from '../browser/devtools.ts';
import { type CaptureRoute, ONE_TILE_SIDE } from '../browser/flags.ts';
import { pageScaleOf, type Size } from '../geometry.ts';
import type { Picture, PixelLayout } from './i420/frame-buffer.ts';

/** What a page is laid out by: its size, and whether it is drawn in one piece or in tiles of which only some are drawn anew. */
export type View = Pick<Template, 'width' | 'height' | 'repaints'>;

export interface Compositor {
  readonly route: CaptureRoute;
  /** Waits for `work`, drawing meanwhile where the route draws on demand only: a page at work may wait for that. */
  settle<T>(work: Promise<T>): Promise<T>;
  /** Whether frames of this size can be captured from this browser. */
  fits(frame: Size): boolean;
  /**
   * Lays the page out at its own size and shows it in a frame of another, magnified as needed: text stays sharp. False when the
   * browser does not show the stage, which a script may have navigated away.
   */
  setView(page: View, frame: Size): Promise<boolean>;
  /** How pictures of the present view lie in memory. */
  readonly layout: PixelLayout;
  /**
   * Statement for the page to run after it has drawn a moment, so that it looks as in a fresh page (`nightreelStage.rebuild`), and so
   * that `capture` can tell it from others. `mayRest`: the
   * moment before looked like the one before that, so this one may, too; that costs less when it is so, and more when not.
   */
  nextMark(mayRest?: boolean): string;
  /**
   * The picture of the moment that was drawn last, to be read before another is drawn: rows as `layout` says. It is the
   * same whichever was drawn before. `isFirst`: nobody knows what the browser has shown before.
   */
  capture(isFirst?: boolean): Promise<Picture>;
  /** What the view shows now, drawn or not, as a JPEG for people; no part of a video. */
  screenshot(): Promise<Buffer>;
}

/** Pixels, on both sides, up to which tiles would save nothing. */
const SMALL_SIDE = 512;

/** Of a screenshot. */
export const JPEG = { format: 'jpeg', quality: 80 } as const;

/** A screenshot of the view by a browser that draws by itself. */
export async function screenshotOf(devtools: DevTools, { width, height }: Size): Promise<Buffer> {
  const clip = { x: 0, y: 0, width, height, scale: 1 };
  const { data } = await devtools.send('Page.captureScreenshot', { ...JPEG, clip, captureBeyondViewport: false });
  return Buffer.from(data, 'base64');
}

/**
 * What a browser shows when it is to show at least so much: sides are powers of two. Chromium places its layers by dividing
 * by them, and a remainder there shows in pixels that are scaled: by one level, and not the same at every size of window.
 */
export const viewportFor = ({ width, height }: Size): Size => ({
  width: powerOfTwo(width),
  height: powerOfTwo(height),
});

const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(atLeast));

/**
 * Sets the part of the view that is the same on every route: see page/inject/stage.html. False when that is not there.
 * @param marksTop the uppermost row of the marks, null for none.
 */
export async function layOut(devtools: DevTools, page: View, frame: Size, marksTop: number | null): Promise<boolean> {
  const sizeOf = ({ width, height }: Size): Size => ({ width, height });
  const layerWidth = layerWidthOf(page, frame);
  const view = { page: sizeOf(page), scale: pageScaleOf(page, frame), frame: sizeOf(frame), layerWidth, marksTop };
  const setting = `nightreelStage.view(${JSON.stringify(view)})`;
  return (await devtools.evaluate(`typeof nightreelStage === 'object' && (${setting}, true)`)) === true;
}

/** Width of the layer that holds the page: beyond what Chromium draws as one tile, where that would be a waste. */
function layerWidthOf({ repaints }: View, { width, height }: Size): number {
  const isSmall = width <= SMALL_SIDE && height <= SMALL_SIDE;
  return repaints === 'all' || isSmall ? width : Math.max(width, ONE_TILE_SIDE + 1);
}

/** No view is set yet. */
export const NO_LAYOUT: PixelLayout = { width: 0, height: 0, strideBytes: 0, order: 'rgba' };

export const packed = ({ width, height }: Size): PixelLayout => ({
  width,
  height,
  strideBytes: width * 4,
  order: 'rgba',
});
