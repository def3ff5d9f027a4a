/** Capture by Page.captureScreenshot: any Chromium, any system. */

import type { DevTools } from '../browser/devtools.ts';
import { pageScaleOf, type Size } from '../geometry.ts';
import { type Compositor, JPEG } from './compositor.ts';

export class ScreenshotCompositor implements Compositor {
  readonly route = 'screenshot';
  private readonly devtools: DevTools;
  private clip = { x: 0, y: 0, width: 0, height: 0, scale: 1 };

  constructor(devtools: DevTools) {
    this.devtools = devtools;
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    return await work;
  }

  async setView(page: Size, frame: Size): Promise<void> {
    const { width, height } = page;
    await this.devtools.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const scale = pageScaleOf(page, frame);
    this.clip = { x: 0, y: 0, width: frame.width / scale, height: frame.height / scale, scale };
  }

  async capture(): Promise<Buffer> {
    const { data } = await this.devtools.send('Page.captureScreenshot', {
      ...JPEG,
      clip: this.clip,
      fromSurface: true,
      captureBeyondViewport: false,
    });
    return Buffer.from(data, 'base64');
  }

  async hasChanged(): Promise<null> {
    return null;
  }
}
