/** What the pool lends: a browser with its page and capture route, and at most one template open in it. */

import { isDeepStrictEqual } from 'node:util';
import type { Params } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import { type BrowserOptions, ChromiumBrowser } from './browser/browser.ts';
import { BeginFrameCompositor } from './capture/begin-frame.ts';
import type { Compositor } from './capture/compositor.ts';
import { type FrameSource, PageFrameSource } from './capture/frame-source.ts';
import { FrameBuffer, type PixelLayout } from './capture/i420/frame-buffer.ts';
import { ScreenshotCompositor } from './capture/screenshot.ts';
import type { Size } from './geometry.ts';
import { type PageDeadlines, TemplatePage } from './page/template-page.ts';

export interface WarmBrowserOptions extends BrowserOptions {
  readonly deadlines: PageDeadlines;
}

export class WarmBrowser implements AsyncDisposable {
  readonly compositor: Compositor;
  private readonly browser: ChromiumBrowser;
  private readonly page: TemplatePage;
  private buffer: FrameBuffer | null = null;

  private constructor(browser: ChromiumBrowser, compositor: Compositor, page: TemplatePage) {
    this.browser = browser;
    this.compositor = compositor;
    this.page = page;
  }

  static async launch(options: WarmBrowserOptions, signal: AbortSignal): Promise<WarmBrowser> {
    const browser = await ChromiumBrowser.launch(options, signal);
    try {
      const { devtools } = browser;
      const compositor =
        options.route === 'begin-frame' ? new BeginFrameCompositor(devtools) : new ScreenshotCompositor(devtools);
      const page = await TemplatePage.create(browser, compositor, options);
      return new WarmBrowser(browser, compositor, page);
    } catch (error) {
      await browser[Symbol.asyncDispose]();
      throw error;
    }
  }

  get broken(): AbortSignal {
    return this.browser.broken;
  }

  get version(): string {
    return this.browser.version;
  }

  get pid(): number | undefined {
    return this.browser.pid;
  }

  /** Opens a template with params, shown at a frame's size. Its frames can then be taken, any number of times. */
  async open(template: Template, params: Params, frame: Size): Promise<FrameSource> {
    await this.page.ensureStage();
    await this.compositor.setView(template, frame);
    await this.page.open(template, params);
    this.buffer = this.bufferFor(this.compositor.layout);
    return new PageFrameSource(this.page, this.compositor, this.buffer);
  }

  /** Memory for frames: the one that is there while it fits, as it takes tens of megabytes. */
  private bufferFor(layout: PixelLayout): FrameBuffer {
    if (this.buffer === null || !isDeepStrictEqual(this.buffer.layout, layout)) return new FrameBuffer(layout);
    this.buffer.forget();
    return this.buffer;
  }

  /** Throws when the template did during the render what it must not do. */
  assertClean(): void {
    this.page.assertClean();
  }

  /** Whether nothing is under way any more, so that it can be lent to somebody else. */
  async isIdleWithin(limitMs: number): Promise<boolean> {
    return await this.browser.devtools.isIdleWithin(limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
  }
}
