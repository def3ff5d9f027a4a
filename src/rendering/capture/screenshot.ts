/** Capture by Page.captureScreenshot: any Chromium, any system. */

import { Failure } from '../../contracts/failures.ts';
import type { DevTools } from '../browser/devtools.ts';
import type { Size } from '../geometry.ts';
import { type Compositor, layOut, NO_LAYOUT, packed, screenshotOf, type View, viewportFor } from './compositor.ts';
import type { Picture, PixelLayout } from './i420/frame-buffer.ts';
import { PNG, readPng } from './png.ts';

export class ScreenshotCompositor implements Compositor {
  readonly route = 'screenshot';
  layout: PixelLayout = NO_LAYOUT;
  private readonly devtools: DevTools;

  constructor(devtools: DevTools) {
    this.devtools = devtools;
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    return await work;
  }

  fits(): boolean {
    return true;
  }

  async setView(page: View, frame: Size): Promise<boolean> {
    const { width, height } = frame;
    if (width !== this.layout.width || height !== this.layout.height) {
      const metrics = { ...viewportFor(frame), deviceScaleFactor: 1, mobile: false };
      await this.devtools.send('Emulation.setDeviceMetricsOverride', metrics);
      this.layout = packed(frame);
    }
    return await layOut(this.devtools, page, frame, null);
  }

  nextMark(): string {
    return 'nightreelStage.rebuild()';
  }

  async capture(): Promise<Picture> {
    const { data } = await this.devtools.send('Page.captureScreenshot', {
      ...PNG,
      fromSurface: true,
      captureBeyondViewport: false,
    });
    const picture = await readPng(data, this.layout);
    if (picture === null) throw new Failure('BrowserHung', 'Chromium showed less than a frame.');
    return picture;
  }

  async screenshot(): Promise<Buffer> {
    return await screenshotOf(this.devtools, this.layout);
  }
}
