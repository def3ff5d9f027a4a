/**
 * Capture from a virtual display: a Chromium with a window draws as for a person, and the pixels are read where the X server
 * keeps them. Chromium hands over the rectangle around all that changed, in one piece, and the marks lie beside the template: once they
 * show a moment's number and the X server, which does one thing after the other, has answered, all is of that moment. Only what is too
 * large for one request and not in shared memory comes in several, from top to bottom: there the marks are in the last rows.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../contracts/failures.ts';
import type { DevTools } from '../../browser/devtools.ts';
import type { Size } from '../../geometry.ts';
import { type Compositor, layOut, NO_LAYOUT, screenshotOf, type View, viewportFor } from '../compositor.ts';
import type { Picture, PixelLayout, RowRange } from '../i420/frame-buffer.ts';
import { LayerWatch } from '../layers.ts';
import type { VirtualDisplay } from './display.ts';

/** As page/inject/stage.html paints them: square cells. */
const MARK = { bits: 16, side: 8 } as const;
const MARKS_WIDTH = MARK.bits * MARK.side;
/** Even and odd numbers take turns, also from the largest to the smallest. */
const LARGEST_MARK = 2 ** MARK.bits - 2;
/** The window is at least so large: most renditions fit, and another one needs no other browser. */
const USUAL: Size = { width: 1920, height: 1080 };
/** Something was drawn, and the marks are still to come. */
const POLL_MS = 1;
/** Longest wait for the X server to tell that something was drawn: it is looked whether the browser still lives. */
const NOTICE_MS = 100;
/** Longest wait to be told of the layers of a moment that is shown already; it comes within 2 ms, or was there before. */
const TOLD_MS = 50;
/** Most moments that are drawn as in a fresh page at once before a page that always draws something is given another chance to rest. */
const MOST_PAUSE = 31;
const MARGIN = 16;
/** What a request to Xvfb can hold, its head aside. */
const REQUEST_BYTES = 16 * 1024 ** 2 - 1024;
const NO_ROWS: RowRange = { start: 0, end: 0 };
const isEmpty = ({ start, end }: RowRange): boolean => start >= end;

/** The window for frames of this size, marks included. */
export const windowFor = (frame: Size | null): Size =>
  viewportFor({
    width: Math.max(USUAL.width, frame?.width ?? 0) + MARKS_WIDTH,
    height: Math.max(USUAL.height, frame?.height ?? 0),
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
  private readonly marks = Buffer.alloc(MARKS_WIDTH * 4);
  private mark = 0;
  /** Whether the moment that was drawn last was drawn as in a fresh page. */
  private isRebuilt = false;
  /** Whether all of it was shown anew. */
  private isRenewed = false;
  /** Whether its picture was taken: what was only drawn may have been drawn together with the next. */
  private isTaken = false;
  /** The uppermost row of the marks. */
  private marksTop = 0;
  private readonly rest = new RestWatch();
  /** Whether whatever changes of a frame is handed over in one piece. */
  private isOnePiece = false;

  constructor(
    devtools: DevTools,
    display: VirtualDisplay,
    options: { readonly window: Size; readonly limitMs: number },
  ) {
    this.devtools = devtools;
    this.display = display;
    this.window = options.window;
    this.limitMs = options.limitMs;
    this.layers = new LayerWatch(devtools.session, {
      width: { even: MARKS_WIDTH, odd: MARKS_WIDTH - 1 },
      height: MARK.side,
    });
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    return await work;
  }

  fits(frame: Size): boolean {
    return frame.width + MARKS_WIDTH <= this.window.width && frame.height <= this.window.height;
  }

  async setView(page: View, frame: Size): Promise<boolean> {
    if (!this.fits(frame)) {
      throw new Failure('Internal', `A frame of ${frame.width}x${frame.height} is larger than the browser's window.`);
    }
    const { width, height } = frame;
    this.layout = { width, height, strideBytes: this.display.strideBytes, order: 'bgra' };
    this.isOnePiece = (width + MARKS_WIDTH) * height * 4 <= REQUEST_BYTES || this.display.hasSharedMemory();
    // The rectangle around all that changed lies around the middle, mostly.
    this.marksTop = this.isOnePiece ? height >> 1 : height - MARK.side;
    // Chromium forgets the first when the stage is loaded anew.
    const [, isThere] = await Promise.all([
      this.devtools.send('LayerTree.enable'),
      layOut(this.devtools, page, frame, this.marksTop),
    ]);
    return isThere;
  }

  nextMark(mayRest = false): string {
    const isRebuilt = !(mayRest && this.rest.isLikely());
    const isPartEnough = this.isOnePiece && this.isTaken && this.layers.wasOneLayer;
    return this.begin({ isRebuilt, isRenewed: isRebuilt && !isPartEnough });
  }

  async capture(isFirst = false): Promise<Picture> {
    const { hasScaled } = this.layers;
    let rows = await this.touched();
    const isTouched = !isEmpty(rows);
    if (!this.isRebuilt) this.rest.note(!isTouched);
    if (isFirst || (isTouched && (hasScaled || !(await this.isExact())))) {
      await this.devtools.evaluate(this.begin({ isRebuilt: true, isRenewed: true }));
      rows = spanOf(rows, await this.touched());
    }
    this.isTaken = true;
    return { read: (target, at) => this.read(target, at), touchedRows: rows };
  }

  async screenshot(): Promise<Buffer> {
    return await screenshotOf(this.devtools, this.layout);
  }

  /** Statement that draws a moment to its end, and has it told from others. */
  private begin({ isRebuilt, isRenewed }: { readonly isRebuilt: boolean; readonly isRenewed: boolean }): string {
    // Never 0, which a window shows before its first mark.
    this.mark = (this.mark % LARGEST_MARK) + 1;
    this.isRebuilt = isRebuilt;
    this.isRenewed = isRenewed;
    this.isTaken = false;
    const rebuild = isRebuilt ? 'nightreelStage.rebuild(); ' : '';
    const renew = isRenewed ? 'nightreelStage.renew(); ' : '';
    return `${rebuild}${renew}nightreelStage.mark(${this.mark})`;
  }

  /** Whether what was not shown anew of the moment that was drawn last looks as if it had been. */
  private async isExact(): Promise<boolean> {
    return this.isRebuilt && (this.isRenewed || (await this.layers.isOneLayer(this.mark, TOLD_MS)));
  }

  /** Waits for the moment that was drawn last: the frame's rows that it touched, `NO_ROWS` when none. */
  private async touched(): Promise<RowRange> {
    await this.shown();
    // Asked before pixels are read: what is drawn from now on is told with the next picture.
    const area = await this.display.damage.take(this.limitMs);
    const { width, height } = this.layout;
    if (area === null || area.left >= width || area.top >= height) return NO_ROWS;
    return { start: area.top, end: Math.min(area.bottom, height) };
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
    // The lowest: it comes last.
    this.display.read(this.marks, this.marksAt(MARK.side - 1));
    let mark = 0;
    for (let bit = 0; bit < MARK.bits; bit++) {
      const green = this.marks[(bit * MARK.side + middle) * 4 + 1] ?? 0;
      if (green > 127) mark |= 1 << bit;
    }
    return mark;
  }

  /** Rows of the screen, without the marks in them: those are new with every moment. */
  private read(target: Buffer, at: number): void {
    this.display.read(target, at);
    for (let row = 0; row < MARK.side; row++) {
      const start = this.marksAt(row) - at;
      if (start >= 0 && start < target.byteLength) target.fill(0, start, start + this.marks.byteLength);
    }
  }

  /** Where a row of the marks begins, in bytes. */
  private marksAt(row: number): number {
    const { width, strideBytes } = this.layout;
    return (this.marksTop + row) * strideBytes + width * 4;
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

/** The least that holds both. */
function spanOf(one: RowRange, other: RowRange): RowRange {
  if (isEmpty(one)) return other;
  if (isEmpty(other)) return one;
  return { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) };
}
