/** Capture by HeadlessExperimental.beginFrame: chrome-headless-shell draws when it is told to, and hands out the picture. */

import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { Failure } from '../../contracts/failures.ts';
import type { DevTools } from '../browser/devtools.ts';
import type { Size } from '../geometry.ts';
import { type Compositor, JPEG, layOut, NO_LAYOUT, packed, type View, viewportFor } from './compositor.ts';
import type { Picture, PixelLayout } from './i420/frame-buffer.ts';
import { PNG, readPng } from './png.ts';

const TICK_MS = 1000 / 30;
const PUMP_PAUSE_MS = 4;
/** The first picture after a load or a new size is sometimes empty, or has the old one: the surface is not there yet. */
const ATTEMPTS = 20;
/** Observers are told of what they observe with the next frame that the page draws. Twice, so that one has been shown. */
const HAS_DRAWN = `(async () => {
  for (let frame = 0; frame < 2; frame++)
    await new Promise((resolve) => {
      new ResizeObserver((_, observer) => {
        observer.disconnect();
        resolve();
      }).observe(document.documentElement);
    });
})()`;

export class BeginFrameCompositor implements Compositor {
  readonly route = 'begin-frame';
  layout: PixelLayout = NO_LAYOUT;
  private readonly devtools: DevTools;
  private ticks = 0;

  constructor(devtools: DevTools) {
    this.devtools = devtools;
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const markDone = () => {
      isDone = true;
    };
    work.then(markDone, markDone);
    while (!isDone) {
      await this.draw();
      await sleep(PUMP_PAUSE_MS);
    }
    return await work;
  }

  fits(): boolean {
    return true;
  }

  async setView(page: View, frame: Size): Promise<boolean> {
    const { width, height } = frame;
    if (width !== this.layout.width || height !== this.layout.height) {
      await this.resize(viewportFor(frame));
      this.layout = packed(frame);
    }
    return await layOut(this.devtools, page, frame, null);
  }

  nextMark(): string {
    return 'nightreelStage.rebuild()';
  }

  async capture(): Promise<Picture> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { screenshotData } = await this.beginFrame({ screenshot: PNG });
      const picture = screenshotData === undefined ? null : await readPng(screenshotData, this.layout);
      if (picture !== null) return picture;
      await sleep(attempt);
    }
    throw new Failure('BrowserHung', `Chromium drew ${ATTEMPTS} times without a whole picture.`);
  }

  async screenshot(): Promise<Buffer> {
    const { width, height } = this.layout;
    const picture = await this.capture();
    const pixels = Buffer.alloc(width * height * 4);
    picture.read(pixels, 0);
    return await sharp(pixels, { raw: { width, height, channels: 4 } })
      .flatten()
      .jpeg({ quality: JPEG.quality })
      .toBuffer();
  }

  /**
   * Chromium never finishes a frame that is asked for while the new size is on its way to the page, nor any more when a page gets
   * a new size that has drawn nothing yet: one of ten new browsers stood still.
   */
  private async resize(bounds: Size): Promise<void> {
    await this.settle(this.devtools.evaluate(HAS_DRAWN));
    const { windowId } = await this.devtools.send('Browser.getWindowForTarget');
    await this.devtools.send('Browser.setWindowBounds', { windowId, bounds });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const shown = await this.devtools.evaluate("innerWidth + 'x' + innerHeight");
      if (shown === `${bounds.width}x${bounds.height}`) break;
      await sleep(attempt);
    }
    // A round trip through the window itself.
    await this.devtools.send('Browser.getWindowBounds', { windowId });
    await this.draw();
  }

  private async draw(): Promise<void> {
    try {
      await this.beginFrame({});
    } catch (error) {
      // While a document is being replaced there may be nothing to draw; a browser that is gone ends the work itself.
      const isHung = error instanceof Failure && error.failureClass === 'BrowserHung';
      if (isHung || this.devtools.broken.aborted) throw error;
    }
  }

  private beginFrame(options: { readonly screenshot?: typeof PNG }) {
    this.ticks += TICK_MS;
    return this.devtools.send('HeadlessExperimental.beginFrame', {
      frameTimeTicks: this.ticks,
      interval: TICK_MS,
      ...options,
    });
  }
}
