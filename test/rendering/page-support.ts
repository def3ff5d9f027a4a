/** What tests of the page share: a page on a virtual display, and templates made in the test. */

import { createHash } from 'node:crypto';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import type { Params } from '../../src/contracts/video.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { screenFor, windowFor, XvfbCompositor } from '../../src/rendering/capture/xvfb/compositor.ts';
import { VirtualDisplay } from '../../src/rendering/capture/xvfb/display.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { type PageDeadlines, TemplatePage } from '../../src/rendering/page/template-page.ts';
import { Films } from '../../src/rendering/video/films.ts';
import type { Template } from '../../src/templates/template.ts';
import { never } from './browser-support.ts';
import { fixture, keptLog } from './support.ts';

const LIMITS: PageDeadlines = { loadMs: 20_000, paramsMs: 10_000, frameMs: 10_000 };

export interface PageUnderTest extends AsyncDisposable {
  readonly page: TemplatePage;
  readonly log: ReturnType<typeof keptLog>;
  open(template: Template, params?: Params): Promise<void>;
  /** Digest of a frame's pixels. */
  picture(frame: number): Promise<string>;
  /** Runs an expression in the template's own frame. */
  evaluate(expression: string): Promise<unknown>;
  /** Bytes of the page's JavaScript heap after everything that can go has gone. */
  heapBytes(): Promise<number>;
}

/** `largest`: frames may be so large; as in a usual video when left out. */
export async function startPage(
  deadlines: Partial<PageDeadlines> = {},
  largest: Size | null = null,
): Promise<PageUnderTest> {
  try {
    return await tryToStart(deadlines, largest);
  } catch (error) {
    // One of a hundred starts on a busy machine gets no first frame; the pool would take another browser, too.
    if (!(error instanceof Failure) || error.failureClass !== 'BrowserHung') throw error;
    return await tryToStart(deadlines, largest);
  }
}

async function tryToStart(deadlines: Partial<PageDeadlines>, largest: Size | null): Promise<PageUnderTest> {
  const { chromium, xvfb, ffmpeg } = findTools();
  if (chromium === undefined || xvfb === undefined) throw new Error('these tests need chromium and Xvfb');
  const log = keptLog();
  const [window, callLimitMs] = [windowFor(largest), 30_000];
  await using started = new AsyncDisposableStack();
  const display = started.use(await VirtualDisplay.start({ xvfb, screen: screenFor(window) }, never));
  const browser = started.use(
    await ChromiumBrowser.launch(
      {
        executable: chromium,
        kind: 'full',
        route: 'xvfb',
        window,
        display,
        profileRoot: profileRoot(),
        callLimitMs,
        log,
      },
      never,
    ),
  );
  const { devtools } = browser;
  // No window manager gives the window the focus, without which a page shows no caret.
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: true });
  const compositor = new XvfbCompositor(devtools, display, { window, limitMs: callLimitMs });
  const films = started.use(new Films({ ffmpeg }));
  const page = await TemplatePage.create(browser, compositor, { deadlines: { ...LIMITS, ...deadlines }, log, films });
  const resources = started.move();
  let isFirst = true;
  return {
    page,
    log,
    async open(template, params = template.example) {
      isFirst = true;
      if (!(await compositor.setView(template, template))) {
        await page.loadStage();
        await compositor.setView(template, template);
      }
      await page.open(template, params);
    },
    async picture(frame) {
      await page.seek(frame, () => compositor.nextMark());
      const pixels = Buffer.alloc(compositor.layout.strideBytes * compositor.layout.height);
      (await compositor.capture(isFirst)).read(pixels, 0);
      isFirst = false;
      return createHash('sha256').update(pixels).digest('hex').slice(0, 16);
    },
    evaluate: (expression) =>
      devtools.evaluate(`nightreelStage.document.defaultView.eval(${JSON.stringify(expression)})`),
    async heapBytes() {
      await devtools.send('HeapProfiler.collectGarbage');
      return (await devtools.send('Runtime.getHeapUsage')).usedSize;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const TAKES_PARAMS = `<script>
  window.addEventListener('message', async (event) => {
    if (event.data?.type !== 'hf-params') return;
    await window.onParams?.(event.data.params);
    window.dispatchEvent(new Event('hf-params-ready'));
  });
  if (!document.querySelector('[data-composition-id]')) {
    window.__hf = { duration: 2, seek: (t) => window.onSeek?.(t) };
  }
</script>`;

let made = 0;

/**
 * A template of 64 frames at 32 per second made of this HTML: `window.onParams` and `window.onSeek` are its own, the rest
 * of the contract comes with it. In memory only.
 */
export async function templateOf(
  html: string,
  files: Record<string, string | Uint8Array> = {},
  overrides: Partial<Template> = {},
): Promise<Template> {
  const tiny = await fixture('tiny');
  made += 1;
  const page = `<!doctype html><meta charset="utf-8"><body style="margin:0;background:#fff">${html}${TAKES_PARAMS}</body>`;
  const all = { 'index.html': page, ...files };
  return {
    ...tiny,
    id: 'made',
    html: page,
    files: new Map(Object.entries(all).map(([path, bytes]) => [path, Buffer.from(bytes as string)])),
    digest: `made-${made}`,
    ...overrides,
  };
}
