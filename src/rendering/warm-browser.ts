/** What the pool lends: a browser with its page and capture route, and at most one template open in it. */

import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import { type AudioClip, readClips } from './audio/clips.ts';
import { type BrowserOptions, ChromiumBrowser } from './browser/browser.ts';
import type { DevTools } from './browser/devtools.ts';
import { BeginFrameCompositor } from './capture/begin-frame.ts';
import type { Compositor } from './capture/compositor.ts';
import { type FrameSource, PageFrameSource } from './capture/frame-source.ts';
import { FrameBuffer, type PixelLayout } from './capture/i420/frame-buffer.ts';
import { ScreenshotCompositor } from './capture/screenshot.ts';
import { screenFor, windowFor, XvfbCompositor } from './capture/xvfb/compositor.ts';
import { VirtualDisplay } from './capture/xvfb/display.ts';
import type { Screenshot } from './evidence.ts';
import type { Size } from './geometry.ts';
import type { Finding } from './page/findings.ts';
import type { PageMessage } from './page/messages.ts';
import { type PageDeadlines, TemplatePage } from './page/template-page.ts';
import type { Films } from './video/films.ts';

export interface WarmBrowserOptions extends Omit<BrowserOptions, 'window' | 'display'> {
  readonly deadlines: PageDeadlines;
  /** What reads the files of <video> elements; left out: no template has any. */
  readonly films?: Films;
  /** Path of the X server, for route `xvfb`. */
  readonly xvfb?: string;
  /** The largest frame that is to be captured; of the usual sizes when left out. */
  readonly frame?: Size | null;
}

export class WarmBrowser implements AsyncDisposable {
  readonly compositor: Compositor;
  private readonly browser: ChromiumBrowser;
  private readonly page: TemplatePage;
  private readonly display: VirtualDisplay | undefined;
  /** What ends with it, last first. */
  private readonly resources: AsyncDisposableStack;
  private buffer: FrameBuffer | null = null;

  private constructor(
    browser: ChromiumBrowser,
    compositor: Compositor,
    page: TemplatePage,
    display: VirtualDisplay | undefined,
    resources: AsyncDisposableStack,
  ) {
    this.browser = browser;
    this.compositor = compositor;
    this.page = page;
    this.display = display;
    this.resources = resources;
  }

  static async launch(options: WarmBrowserOptions, signal: AbortSignal): Promise<WarmBrowser> {
    await using resources = new AsyncDisposableStack();
    const window = windowFor(options.frame ?? null);
    let display: VirtualDisplay | undefined;
    if (options.xvfb !== undefined) {
      display = resources.use(await VirtualDisplay.start({ xvfb: options.xvfb, screen: screenFor(window) }, signal));
    }
    const browser = resources.use(await ChromiumBrowser.launch({ ...options, window, display }, signal));
    // Chromium would notice by itself, and not say what happened.
    display?.broken.addEventListener('abort', () => browser.kill(display.broken.reason), { once: true });
    const compositor = compositorFor(options, browser.devtools, display, window);
    const page = await TemplatePage.create(browser, compositor, options);
    return new WarmBrowser(browser, compositor, page, display, resources.move());
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

  /** Leaders of the groups that all its processes are in, those of its display included. */
  get processGroups(): number[] {
    return [this.pid, this.display?.pid].filter((pid) => pid !== undefined);
  }

  /** Bytes that all its processes hold; 0 where that cannot be known. */
  memoryBytes(): number {
    return this.browser.memoryBytes();
  }

  /** Ends it at once: what is under way fails with this reason. */
  kill(reason: Failure): void {
    this.browser.kill(reason);
  }

  /** Whether frames of this size can be captured from it. */
  fits(frame: Size): boolean {
    return this.compositor.fits(frame);
  }

  /** Opens a template with params, shown at a frame's size. Its frames can then be taken, any number of times. */
  async open(template: Template, params: Params, frame: Size): Promise<FrameSource> {
    this.page.expect(template, params);
    const { width, height } = this.compositor.layout;
    const isSized = width === frame.width && height === frame.height;
    const view = this.compositor.setView(template, frame);
    // Chromium does one after the other: a page that stands at its beginning gets params without a wait in between.
    const answer = isSized && this.page.isAtStart(template) ? this.page.send(template, params) : null;
    if (!(await view)) {
      await this.page.loadStage();
      await this.compositor.setView(template, frame);
    }
    await this.page.open(template, params, answer);
    this.buffer = this.bufferFor(this.compositor.layout);
    return new PageFrameSource(this.page, this.compositor, this.buffer);
  }

  /** Lets go of the template: whoever opens it next gets a page that nobody has been in. */
  async unload(): Promise<void> {
    await this.page.loadStage();
  }

  /** Draws a frame of what is open, for whoever looks at the page and not at its pixels. */
  async seek(frame: number): Promise<void> {
    await this.page.seek(frame);
  }

  /** What the template was found to do since it got its params. */
  get found(): readonly Finding[] {
    return this.page.found;
  }

  get devtools(): DevTools {
    return this.browser.devtools;
  }

  /** Memory for frames: the one that is there while it fits, as it takes tens of megabytes. */
  private bufferFor(layout: PixelLayout): FrameBuffer {
    if (this.buffer === null || !isDeepStrictEqual(this.buffer.layout, layout)) return new FrameBuffer(layout);
    this.buffer.forget();
    return this.buffer;
  }

  /** What can be heard of what is open. */
  async clips(template: Template): Promise<AudioClip[]> {
    return await readClips(this.browser.devtools, template);
  }

  /** Throws when the template did during the render what it must not do. */
  assertClean(): void {
    this.page.assertClean();
  }

  /** For when all frames are taken: begins what the next params would otherwise wait for. */
  rewind(): void {
    this.page.rewind();
  }

  /** What the template said of what is open; may quote a recipient. */
  get messages(): readonly PageMessage[] {
    return this.page.messages;
  }

  /** What is to be seen of what is open, or was to be opened; null where the page may still show somebody else. */
  async screenshot(): Promise<Screenshot | null> {
    if (!(await this.page.showOwn())) return null;
    const { width, height } = this.compositor.layout;
    return { jpeg: await this.compositor.screenshot(), width, height };
  }

  /** Whether nothing is under way any more, so that it can be lent to somebody else. */
  async isIdleWithin(limitMs: number): Promise<boolean> {
    return await this.browser.devtools.isIdleWithin(limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

function compositorFor(
  { route, callLimitMs }: Pick<WarmBrowserOptions, 'route' | 'callLimitMs'>,
  devtools: DevTools,
  display: VirtualDisplay | undefined,
  window: Size,
): Compositor {
  if (route === 'screenshot') return new ScreenshotCompositor(devtools);
  if (route === 'begin-frame') return new BeginFrameCompositor(devtools);
  if (display === undefined) throw new Failure('Internal', "Capture route 'xvfb' was chosen without an X server.");
  return new XvfbCompositor(devtools, display, { window, limitMs: callLimitMs });
}
