/**
 * Capture from a virtual display: a Chromium with a window draws as for a person, and the pixels are read where the X server
 * keeps them. Chromium hands a frame over from top to bottom, all of it that changed in one piece, and the marks lie below the
 * template: once they show a moment's number, everything above them is of that moment.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../contracts/failures.ts';
import type { DevTools } from '../../browser/devtools.ts';
import type { Size } from '../../geometry.ts';
import { type Compositor, layOut, NO_LAYOUT, screenshotOf, viewportFor } from '../compositor.ts';
import type { Picture, PixelLayout } from '../i420/frame-buffer.ts';
import { LayerWatch } from '../layers.ts';
import type { VirtualDisplay } from './display.ts';

/** As page/inject/stage.html paints them: square cells. */
const MARK = { bits: 16, side: 8 } as const;
const MARKS_LIMIT = 2 ** MARK.bits;
/** The window is at least so large: most renditions fit, and another one needs no other browser. */
const USUAL: Size = { width: 1920, height: 1080 };
/** Something was drawn, and the marks are still to come. */
const POLL_MS = 1;
/** Longest wait for the X server to tell that something was drawn: it is looked whether the browser still lives. */
const NOTICE_MS = 100;
/** Most moments that are shown whole at once before a page that always draws something is given another chance to rest. */
const MOST_PAUSE = 31;
const MARGIN = 16;

/** The window for frames of this size, marks included. */
export const windowFor = (frame: Size | null): Size =>
  viewportFor({
    width: Math.max(USUAL.width, frame?.width ?? 0),
    height: Math.max(USUAL.height, frame?.height ?? 0) + MARK.side,
  });

/** A screen for such a window: larger, as Chromium makes a window that fills its screen a pixel smaller. */
export const screenFor = (window: Size): Size => ({ width: window.width + MARGIN, height: window.height + MARGIN });

export class XvfbCompositor implements Compositor {
  readonly route = 'xvfb';
  layout: PixelLayout = NO_LAYOUT;
  private readonly devtools: DevTools;
  private readonly display: VirtualDisplay;
  private readonly window: Size;
  private readonly limitMs: number;
  private readonly layers: LayerWatch;
  /** One row of the marks' pixels. */
  private readonly marks = Buffer.alloc(MARK.bits * MARK.side * 4);
  private mark = 0;
  /** Whether the moment that was drawn last was drawn as in a fresh page, and shown whole. */
  private isRenewed = false;
  private readonly rest = new RestWatch();

  constructor(
    devtools: DevTools,
    display: VirtualDisplay,
    options: { readonly window: Size; readonly limitMs: number },
  ) {
    this.devtools = devtools;
    this.display = display;
    this.window = options.window;
    this.limitMs = options.limitMs;
    this.layers = new LayerWatch(devtools.session);
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    return await work;
  }

  fits(frame: Size): boolean {
    return frame.width <= this.window.width && frame.height + MARK.side <= this.window.height;
  }

  async setView(page: Size, frame: Size): Promise<boolean> {
    if (!this.fits(frame)) {
      throw new Failure('Internal', `A frame of ${frame.width}x${frame.height} is larger than the browser's window.`);
    }
    const { width, height } = frame;
    this.layout = { width, height, strideBytes: this.display.strideBytes, order: 'bgra' };
    // Chromium forgets the first when the stage is loaded anew.
    const [, isThere] = await Promise.all([
      this.devtools.send('LayerTree.enable'),
      layOut(this.devtools, page, frame, true),
    ]);
    return isThere;
  }

  nextMark(mayRest = false): string {
    // Never 0, which a window shows before its first mark.
    this.mark = (this.mark % (MARKS_LIMIT - 1)) + 1;
    this.isRenewed = !(mayRest && this.rest.isLikely());
    return `${this.isRenewed ? 'nightreelStage.rebuild(); nightreelStage.renew(); ' : ''}nightreelStage.mark(${this.mark})`;
  }

  async capture(isFirst = false): Promise<Picture> {
    const { hasScaled } = this.layers;
    let firstTouchedRow = await this.touched();
    const isTouched = firstTouchedRow < this.layout.height;
    if (!this.isRenewed) this.rest.note(!isTouched);
    if (isFirst || (isTouched && (hasScaled || !this.isRenewed))) {
      await this.devtools.evaluate(this.nextMark());
      firstTouchedRow = Math.min(firstTouchedRow, await this.touched());
    }
    return { read: (target, at) => this.display.read(target, at), firstTouchedRow };
  }

  async screenshot(): Promise<Buffer> {
    return await screenshotOf(this.devtools, this.layout);
  }

  /** Waits for the moment that was drawn last: the uppermost of the frame's rows that it touched, its height when none. */
  private async touched(): Promise<number> {
    await this.shown();
    // Asked before pixels are read: what is drawn from now on is told with the next picture.
    const top = await this.display.damage.take(this.limitMs);
    return Math.min(top ?? Number.POSITIVE_INFINITY, this.layout.height);
  }

  /** Failure `BrowserHung` when the moment that was drawn last does not reach the window. */
  private async shown(): Promise<void> {
    const { damage } = this.display;
    const startedAt = performance.now();
    while (this.shownMark() !== this.mark) {
      // Of the display, too: its end is the browser's.
      this.devtools.broken.throwIfAborted();
      if (performance.now() - startedAt > this.limitMs) {
        throw new Failure('BrowserHung', `Chromium did not show a frame within ${this.limitMs} ms.`);
      }
      await (damage.isNoted ? sleep(POLL_MS) : damage.noted(NOTICE_MS));
    }
  }

  /** The number in the window's marks. */
  private shownMark(): number {
    const middle = MARK.side >> 1;
    this.display.read(this.marks, (this.layout.height + middle) * this.layout.strideBytes);
    let mark = 0;
    for (let bit = 0; bit < MARK.bits; bit++) {
      const green = this.marks[(bit * MARK.side + middle) * 4 + 1] ?? 0;
      if (green > 127) mark |= 1 << bit;
    }
    return mark;
  }
}

/**
 * Whether a moment that looks as the one before probably draws nothing. Many pages draw at every moment, also what looks the same; one of
 * which that was not expected is drawn twice.
 */
class RestWatch {
  /** Moments for which it is not expected again; twice as many after every mistake. */
  private pause = 0;
  private left = 0;

  isLikely(): boolean {
    if (this.left === 0) return true;
    this.left -= 1;
    return false;
  }

  /** What came of a moment of which it was expected. */
  note(hasRested: boolean): void {
    this.pause = hasRested ? 0 : Math.min(MOST_PAUSE, 2 * this.pause + 1);
    this.left = this.pause;
  }
}
