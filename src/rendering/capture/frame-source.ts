/** Frames of what is open in a page, in order. */

import type { TemplatePage } from '../page/template-page.ts';
import type { Compositor } from './compositor.ts';

/** Frames from `start` up to, not including, `end`. */
export interface FrameRange {
  readonly start: number;
  readonly end: number;
}

export interface Frame {
  readonly index: number;
  readonly data: Buffer;
  /** True when it looks exactly as the one before. */
  readonly isRepeat: boolean;
}

/** Ends by returning; a broken browser throws a `Failure` of class `BrowserCrashed` or `BrowserHung`. */
export interface FrameSource {
  readonly format: 'jpeg';
  frames(range: FrameRange, signal: AbortSignal): AsyncIterable<Frame>;
}

export class PageFrameSource implements FrameSource {
  readonly format = 'jpeg';
  private readonly page: TemplatePage;
  private readonly compositor: Compositor;

  constructor(page: TemplatePage, compositor: Compositor) {
    this.page = page;
    this.compositor = compositor;
  }

  async *frames({ start, end }: FrameRange, signal: AbortSignal): AsyncGenerator<Frame> {
    let last: Frame | null = null;
    for (let index = start; index < end; index++) {
      signal.throwIfAborted();
      await this.page.seek(index);
      const frame = await this.next(index, last);
      yield frame;
      last = frame;
    }
  }

  private async next(index: number, last: Frame | null): Promise<Frame> {
    // Asking first costs a tenth of a picture where nothing moves, and a tenth more where something does: so only while nothing does.
    if (last?.isRepeat && (await this.compositor.hasChanged()) === false) return { ...last, index };
    const data = await this.compositor.capture();
    return { index, data, isRepeat: last?.data.equals(data) ?? false };
  }
}
