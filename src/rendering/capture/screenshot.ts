/** Capture by Page.captureScreenshot: any Chromium, any system. */

import { Failure } from '../../contracts/failures.ts';
import type { DevTools } from '../browser/devtools.ts';
import type { Size } from '../geometry.ts';
import { type Compositor, layOut, NO_LAYOUT, packed, viewportFor } from './compositor.ts';
import type { Picture, PixelLayout } from './i420/frame-buffer.ts';
import { LayerWatch } from './layers.ts';
import { PNG, readPng } from './png.ts';

export class ScreenshotCompositor implements Compositor {
  readonly route = 'screenshot';
  layout: PixelLayout = NO_LAYOUT;
  private readonly devtools: DevTools;
  private readonly layers: LayerWatch;

  constructor(devtools: DevTools) {
    this.devtools = devtools;
    this.layers = new LayerWatch(devtools.session);
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    return await work;
  }

  fits(): boolean {
    return true;
  }

  async setView(page: Size, frame: Size): Promise<boolean> {
    const { width, height } = frame;
    if (width !== this.layout.width || height !== this.layout.height) {
      const metrics = { ...viewportFor(frame), deviceScaleFactor: 1, mobile: false };
      await this.devtools.send('Emulation.setDeviceMetricsOverride', metrics);
      this.layout = packed(frame);
    }
    return await layOut(this.devtools, page, frame, false);
  }

  nextMark(): string {
    return '';
  }

  async capture(isFirst = false): Promise<Picture> {
    // Each has Chromium draw.
    if (isFirst || this.layers.hasScaled) await this.take();
    const picture = await readPng(await this.take(), this.layout);
    if (picture === null) throw new Failure('BrowserHung', 'Chromium showed less than a frame.');
    return picture;
  }

  /** A PNG in base64. */
  private async take(): Promise<string> {
    const options = { ...PNG, fromSurface: true, captureBeyondViewport: false };
    return (await this.devtools.send('Page.captureScreenshot', options)).data;
  }
}
