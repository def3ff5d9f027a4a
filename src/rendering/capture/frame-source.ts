/** Frames of what is open in a page, in order. */

import type { Size } from '../geometry.ts';
import type { TemplatePage } from '../page/template-page.ts';
import type { Compositor } from './compositor.ts';
import type { FrameBuffer } from './i420/frame-buffer.ts';

/** Frames from `start` up to, not including, `end`. */
export interface FrameRange {
  readonly start: number;
  readonly end: number;
}

export interface Frame {
  readonly index: number;
  /** I420, BT.709, limited range: the luma plane, then U, then V. Valid until the next frame but one is asked for. */
  readonly data: Uint8Array;
  /** True when it looks exactly as the one before. */
  readonly isRepeat: boolean;
}

/** Ends by returning; a broken browser throws a `Failure` of class `BrowserCrashed` or `BrowserHung`. */
export interface FrameSource {
  readonly format: 'i420';
  readonly size: Size;
  frames(range: FrameRange, signal: AbortSignal): AsyncIterable<Frame>;
}

export class PageFrameSource implements FrameSource {
  readonly format = 'i420';
  readonly size: Size;
  private readonly page: TemplatePage;
  private readonly compositor: Compositor;
  private readonly buffer: FrameBuffer;

  constructor(page: TemplatePage, compositor: Compositor, buffer: FrameBuffer) {
    this.page = page;
    this.compositor = compositor;
    this.buffer = buffer;
    this.size = buffer.layout;
  }

  async *frames({ start, end }: FrameRange, signal: AbortSignal): AsyncGenerator<Frame> {
    let drawing = start < end ? this.draw(start) : null;
    try {
      for (let index = start; index < end; index++) {
        await drawing;
        drawing = null;
        signal.throwIfAborted();
        this.buffer.take(await this.compositor.capture(index === start));
        // The page draws the next moment while this one is converted and encoded.
        if (index + 1 < end) drawing = this.draw(index + 1);
        yield { index, ...this.buffer.next() };
      }
    } finally {
      await drawing?.catch(() => undefined);
    }
  }

  /** Asks for a moment. What goes wrong is told to whoever waits for it, and to nobody else. */
  private draw(index: number): Promise<void> {
    const drawing = this.page.seek(index, () => this.compositor.nextMark(this.buffer.isRepeat));
    drawing.catch(() => undefined);
    return drawing;
  }
}
