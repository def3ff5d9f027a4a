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

/** As page/inject/stage.html paints them: cells of at least `side`, all together at least as wide as the frame. */
const MARK = { bits: 16, side: 8 } as const;
const MARKS_LIMIT = 2 ** MARK.bits;
/** The window is at least so large: most renditions fit, and another one needs no other browser. */
const USUAL: Size = { width: 1920, height: 1080 };
/** Of the time that the last frames took: asking earlier is in vain. */
const PATIENCE = 0.6;
const MEMORY = 0.8;
const POLL_MS = 1;
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
  private marks: Buffer = Buffer.alloc(0);
  private mark = 0;
  /** Whether the moment that was drawn last was drawn as in a fresh page. */
  private isRebuilt = false;
  /** Moments that were drawn since a picture was taken. */
  private drawn = 0;
  private usualMs = 0;

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
    this.marks = Buffer.alloc(MARK.bits * Math.max(MARK.side, Math.ceil(width / MARK.bits)) * 4);
    // Chromium forgets it when the stage is loaded anew.
    await this.devtools.send('LayerTree.enable');
    return await layOut(this.devtools, page, frame, true);
  }

  nextMark(mayRest = false): string {
    // Never 0, which a window shows before its first mark.
    this.mark = (this.mark % (MARKS_LIMIT - 1)) + 1;
    this.isRebuilt = !mayRest;
    this.drawn += 1;
    return `${mayRest ? '' : 'nightreelStage.rebuild(); '}nightreelStage.mark(${this.mark})`;
  }

  async capture(isFirst = false): Promise<Picture> {
    const { hasScaled } = this.layers;
    // Of two that were shown one after the other, only one edge would be told.
    const isPlain = !isFirst && !hasScaled && this.isRebuilt && this.drawn === 1;
    let firstTouchedRow = await this.touched();
    const isTouched = firstTouchedRow < this.layout.height;
    if (isFirst || (isTouched && !isPlain)) {
      await this.devtools.evaluate(`nightreelStage.renew(); ${this.nextMark()}`);
      firstTouchedRow = Math.min(firstTouchedRow, await this.touched());
    } else if (isTouched && firstTouchedRow > 0) {
      await this.devtools.evaluate(`nightreelStage.renewEdge(${firstTouchedRow})`);
      firstTouchedRow = Math.min(firstTouchedRow, await this.redrawn());
    }
    this.drawn = 0;
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

  /** Waits until anything is drawn, and says what `touched` does. */
  private async redrawn(): Promise<number> {
    const startedAt = performance.now();
    for (;;) {
      const top = await this.display.damage.take(this.limitMs);
      if (top !== null) return top;
      this.assertInTime(startedAt);
      await sleep(POLL_MS);
    }
  }

  /** Failure `BrowserHung` when the moment that was drawn last does not reach the window. */
  private async shown(): Promise<void> {
    const startedAt = performance.now();
    if (this.shownMark() === this.mark) return;
    await sleep(Math.max(POLL_MS, this.usualMs * PATIENCE));
    while (this.shownMark() !== this.mark) {
      this.assertInTime(startedAt);
      await sleep(POLL_MS);
    }
    this.usualMs = MEMORY * this.usualMs + (1 - MEMORY) * (performance.now() - startedAt);
  }

  private assertInTime(startedAt: number): void {
    // Of the display, too: its end is the browser's.
    this.devtools.broken.throwIfAborted();
    if (performance.now() - startedAt <= this.limitMs) return;
    throw new Failure('BrowserHung', `Chromium did not show a frame within ${this.limitMs} ms.`);
  }

  /** The number in the window's marks. */
  private shownMark(): number {
    const row = this.layout.height + (MARK.side >> 1);
    this.display.read(this.marks, row * this.layout.strideBytes);
    const cellBytes = this.marks.byteLength / MARK.bits;
    let mark = 0;
    for (let bit = 0; bit < MARK.bits; bit++) {
      const middle = bit * cellBytes + 4 * (cellBytes >> 3);
      const green = this.marks[middle + 1] ?? 0;
      if (green > 127) mark |= 1 << bit;
    }
    return mark;
  }
}
