/** A template in a browser: loaded once, given params again and again, moved from frame to frame. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Frame, type Page, TimeoutError } from 'puppeteer';
import { Failure } from '../../contracts/failures.ts';
import type { Params } from '../../contracts/video.ts';
import type { Template } from '../../templates/template.ts';
import type { ChromiumBrowser } from '../browser/browser.ts';
import { PageError, pageErrorOf } from '../browser/page-error.ts';
import type { Compositor } from '../capture/compositor.ts';
import type { Log } from '../log.ts';
import type { Films } from '../video/films.ts';
import { type Finding, Findings } from './findings.ts';
import { type PageMessage, PageMessages } from './messages.ts';
import { ORIGIN, pathAt, STAGE_ADDRESS, TemplateOrigin } from './origin.ts';
import { PageVideos } from './page-videos.ts';
import { placeOf } from './place.ts';
import { describeMissing, list, type Readiness, readiness } from './readiness.ts';
import { stopScript } from './running-script.ts';
import { ENGINE_SCRIPT, templateScript } from './scripts.ts';

/** The part of a capture route that a page needs: one that draws on demand must draw while a page is at work. */
type Drawing = Pick<Compositor, 'settle'>;

export interface PageDeadlines {
  /** From the start of a load until the composition can be sought. */
  readonly loadMs: number;
  /** From sending params until `hf-params-ready` and the fonts and images that they need. */
  readonly paramsMs: number;
  /** For drawing one frame, the fonts and images that it needs first included. */
  readonly frameMs?: number;
}

export interface PageOptions {
  readonly deadlines: PageDeadlines;
  readonly log: Log;
  /** What reads the files of <video> elements; left out: no template has any. */
  readonly films?: Films;
}

const FRAME_MS = 10_000;
/** Most pages take params in less; drawing meanwhile, for those that wait for a frame, costs more than the wait. */
const QUIET_MS = 25;
/** What a page gets beyond the limit that it keeps itself, before its script is taken for one that never ends. */
const GRACE_MS = 500;
const LATE = Symbol('late');
/** What a page gets when it is given the same params again, to be looked at. */
const AGAIN_MS = 1_000;

export class TemplatePage {
  private readonly browser: ChromiumBrowser;
  private readonly compositor: Drawing;
  private readonly origin: TemplateOrigin;
  private readonly videos: PageVideos;
  private readonly findings: Findings;
  private readonly deadlines: Required<PageDeadlines>;
  private readonly log: Log;
  private readonly said = new PageMessages();
  private loaded: Template | null = null;
  private asked: { readonly template: Template; readonly params: Params } | null = null;
  /** Nobody's params have been given to the document that is loaded. */
  private isFresh = true;
  /** Whether the page can show nothing of anybody but whom it was last opened for. */
  private isOwn = true;
  /** Whether the page was put back to its beginning, or is being put back, since its last params. */
  private isRewound = false;
  /** Whether the page has answered since that it is there. */
  private hasRewound = false;
  private ownScript = { source: '', identifier: '' };
  private uncaught = Promise.withResolvers<never>();
  private uncaughtError: PageError | null = null;
  /** What a worker stores outlives it and its document; pages themselves cannot store anything (isolation.js). */
  private hadWorkers = false;
  private rewinding: Promise<unknown> = Promise.resolve();

  private constructor(
    browser: ChromiumBrowser,
    compositor: Drawing,
    { origin, videos }: { readonly origin: TemplateOrigin; readonly videos: PageVideos },
    { deadlines, log }: PageOptions,
  ) {
    this.browser = browser;
    this.compositor = compositor;
    this.origin = origin;
    this.videos = videos;
    this.deadlines = { frameMs: FRAME_MS, ...deadlines };
    this.log = log;
    this.findings = new Findings(log);
    this.forgetErrors();
  }

  static async create(browser: ChromiumBrowser, compositor: Drawing, options: PageOptions): Promise<TemplatePage> {
    const { devtools } = browser;
    const videos = new PageVideos(options.films ?? null);
    const origin = await TemplateOrigin.attach(browser, videos);
    const page = new TemplatePage(browser, compositor, { origin, videos }, options);
    const { session } = devtools;
    session.on('Runtime.exceptionThrown', ({ exceptionDetails }) => page.noteError(pageErrorOf(exceptionDetails)));
    session.on('Runtime.consoleAPICalled', (call) => page.said.noteCall(call));
    // What the document before said until it went was about somebody else.
    let stage = '';
    session.on('Page.frameNavigated', ({ frame: { id, parentId } }) => {
      if (parentId === undefined) stage = id;
      else if (parentId === stage && page.asked !== null) page.said.forget(page.asked.template);
    });
    session.on('Runtime.bindingCalled', ({ payload }) => page.findings.note(payload));
    browser.page.on('workercreated', () => {
      page.hadWorkers = true;
    });
    // A dialog stops every script of the page until somebody answers; leaving the page must always be allowed.
    session.on('Page.javascriptDialogOpening', ({ type }) => {
      devtools.send('Page.handleJavaScriptDialog', { accept: type === 'beforeunload' }).catch(() => undefined);
    });
    await devtools.send('Page.enable');
    await devtools.send('Runtime.enable');
    await devtools.send('Runtime.addBinding', { name: '__nightreelFound' });
    await devtools.send('Page.addScriptToEvaluateOnNewDocument', { source: ENGINE_SCRIPT });
    await page.loadStage();
    return page;
  }

  /** Loads the page around a template. */
  async loadStage(): Promise<void> {
    const { page } = this.browser;
    this.loaded = null;
    this.isOwn = false;
    await this.compositor.settle(page.goto(STAGE_ADDRESS, { waitUntil: 'load', timeout: this.deadlines.loadMs }));
    this.isOwn = true;
  }

  /** Says whom it is opened for next. Until it has their params, what it shows and says is of whoever was there before. */
  expect(template: Template, params: Params): void {
    this.asked = { template, params };
    this.said.forget(template);
    this.isOwn = false;
  }

  /** Whether it stands at the beginning of this template, and nothing has to be waited for before it gets params. */
  isAtStart(template: Template): boolean {
    return this.has(template) && this.isRewound && this.hasRewound && !this.hadWorkers;
  }

  /** Sends params to a page that `isAtStart`. The answer is for `open`, which waits for it. */
  send(template: Template, params: Params): Promise<unknown> {
    this.isRewound = false;
    const { paramsMs } = this.deadlines;
    const answer = this.browser.devtools.evaluate(paramsCall(template, params, paramsMs));
    answer.catch(() => undefined);
    return answer;
  }

  /**
   * Brings the page to where frames of this video can be captured. The template is loaded when it is not there yet; a
   * stock composition always is, with `params` as its variables. `answer`: of `send`, when they were sent already and the page
   * has answered everything from before that: what it said until now is about somebody else. Of no account where the template had
   * to be loaded since.
   */
  async open(template: Template, params: Params, answer: Promise<unknown> | null = null): Promise<void> {
    this.expect(template, params);
    await this.give(template, params, this.deadlines.paramsMs, answer);
  }

  /** What the template said since then, the last of it; may quote a recipient. */
  get messages(): readonly PageMessage[] {
    return this.said.last;
  }

  /**
   * Sees to it that the page shows nothing of anybody but whom it was last opened for: where it failed before it had taken their
   * params it still shows the one before, so it is loaded afresh and gets them once more. False where that cannot be said.
   */
  async showOwn(): Promise<boolean> {
    const { asked } = this;
    if (this.isOwn || asked === null) return this.isOwn;
    this.loaded = null;
    // It fails once more, on a page that has never shown anybody else.
    await this.give(asked.template, asked.params, AGAIN_MS).catch(() => undefined);
    return this.isOwn;
  }

  private async give(
    template: Template,
    params: Params,
    paramsMs: number,
    answer: Promise<unknown> | null = null,
  ): Promise<void> {
    this.findings.about(template);
    this.videos.forget();
    if (this.hadWorkers) {
      await this.browser.devtools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'all' });
      this.hadWorkers = this.browser.page.workers().length > 0;
    }
    if (template.contract === 'stock') {
      await this.readVideos(template, await this.load(template, params));
      return;
    }
    const isThere = this.has(template);
    if (!isThere) await this.load(template, null);
    else if (answer === null && !this.isRewound) this.rewind();
    try {
      await this.within(paramsMs, this.rewinding, template, 'while it was put back to its beginning');
    } finally {
      // It drew the one before once more, and may have spoken of them.
      if (isThere) this.said.forget(template);
    }
    this.forgetErrors();
    this.isOwn = this.isFresh;
    this.isFresh = false;
    this.isRewound = false;
    const state = await this.getReady(
      template,
      (isThere ? answer : null) ?? this.browser.devtools.evaluate(paramsCall(template, params, paramsMs)),
      { limitMs: paramsMs, where: 'while it took params', since: 'of getting params' },
    );
    this.isOwn = true;
    await this.readVideos(template, state);
  }

  /** Most templates have none, and are not asked. */
  private async readVideos(template: Template, { videos }: Readiness): Promise<void> {
    if (videos === 0) return;
    const { devtools } = this.browser;
    const begin = await this.videos.read(devtools, template);
    const shown = devtools.evaluate(`__nightreel.${begin}`);
    await this.within(this.deadlines.loadMs, this.compositor.settle(shown), template, 'while its videos were loaded');
    this.origin.assertSelfContained();
  }

  /** Begins to put the page back to its beginning, which the next `open` would have to do. What goes wrong is of no account. */
  rewind(): void {
    if (this.loaded?.contract !== 'warm') return;
    this.isRewound = true;
    this.hasRewound = false;
    this.rewinding = this.browser.devtools.evaluate('__nightreel.rewind()').then(
      () => {
        this.hasRewound = true;
      },
      () => undefined,
    );
  }

  /**
   * Draws one frame of what is open. `nextMark`: gives a statement that is run in the page in the same call, after the
   * drawing; and another one where something that the picture needs came later than that.
   */
  async seek(frame: number, nextMark: () => string = () => ''): Promise<void> {
    const template = this.loaded;
    if (template === null) throw new Failure('Internal', 'A frame was asked for before a template was open.');
    const where = `at frame ${frame} of ${template.frameCount}`;
    const { devtools } = this.browser;
    const { frameMs } = this.deadlines;
    this.isRewound = false;
    const seek = `__nightreel.seek(${frame / template.fps}${this.videos.argumentsFor(frame)})`;
    const mark = nextMark();
    const draw = async (): Promise<unknown> => {
      const drawing = mark === '' ? seek : `{ const drawn = ${seek}; if (drawn !== 'unloaded') { ${mark}; } drawn; }`;
      return await this.within(frameMs, devtools.evaluate(drawing), template, where);
    };
    try {
      let drawn = await draw();
      if (drawn === 'unloaded') {
        // They may have to be decoded first, a long way from their key frame, behind others: ffmpeg keeps limits of its own.
        await this.videos.arrived(frame);
        await this.within(frameMs, this.compositor.settle(devtools.evaluate('__nightreel.loaded()')), template, where);
        this.origin.assertSelfContained();
        drawn = await draw();
      }
      if (drawn === true || this.origin.isWaiting) {
        const arrival = Promise.all([devtools.evaluate('__nightreel.settled()'), this.origin.settled()]);
        await this.within(frameMs, this.compositor.settle(arrival), template, where);
        if (mark !== '') await devtools.evaluate(nextMark());
      }
    } catch (error) {
      throw this.explain(error, template, where);
    }
    if (this.uncaughtError !== null) throw this.explain(this.uncaughtError, template, where);
  }

  /** What the template was found to do since it got its params; the same is in the log. */
  get found(): readonly Finding[] {
    return this.findings.all;
  }

  /** Throws when the template did what makes a video wrong, or threw where nobody waited for it. */
  assertClean(): void {
    this.origin.assertSelfContained();
    this.findings.assertNone();
    if (this.uncaughtError !== null && this.loaded !== null) {
      throw this.explain(this.uncaughtError, this.loaded, 'while it was rendered');
    }
  }

  /** Whether it is loaded. By content: whoever warmed this page may have read the template at another time. */
  private has(template: Template): boolean {
    return this.loaded?.digest === template.digest;
  }

  private async load(template: Template, variables: Params | null): Promise<Readiness> {
    const { devtools, page } = this.browser;
    this.loaded = null;
    this.isOwn = false;
    this.forgetErrors();
    await this.setOwnScript(templateScript(template, variables, await this.videos.factsOf(template)));
    const { loadMs } = this.deadlines;
    try {
      const address = this.origin.serve(template);
      const loading = stageFrameOf(page).goto(address, { waitUntil: 'load', timeout: loadMs });
      await this.within(loadMs, this.compositor.settle(loading), template, 'while it was loaded');
      [this.isOwn, this.isFresh] = [true, variables === null];
    } catch (error) {
      this.origin.assertSelfContained();
      if (error instanceof TimeoutError || (error instanceof Failure && error.failureClass === 'TemplateCrashed')) {
        this.asked = null;
        const isBusy = !(error instanceof TimeoutError) || (await stopScript(devtools)) !== 'idle';
        const why = isBusy ? ': a script was still running, and was stopped' : '';
        throw new Failure('TemplateNotReady', `Template '${template.id}' did not load within ${loadMs} ms${why}.`, {
          cause: error,
        });
      }
      if (this.browser.broken.aborted) throw this.browser.broken.reason;
      throw error;
    }
    const ready = `__nightreel.ready(${JSON.stringify(template.fonts)}, ${loadMs})`;
    const state = await this.getReady(template, devtools.evaluate(ready), {
      limitMs: loadMs,
      where: 'while it was loaded',
      since: 'of loading',
    });
    const { durationMs } = state;
    // Half a frame: authors write 12 where a timeline ends at 11.99.
    if (Math.abs(durationMs - template.durationMs) > 500 / template.fps && durationMs > 0) {
      this.log.warn(
        { template: template.id, declaredMs: template.durationMs, pageMs: durationMs },
        'the page says another duration than the template, which is what counts',
      );
    }
    this.loaded = template;
    return state;
  }

  private async setOwnScript(source: string): Promise<void> {
    if (source === this.ownScript.source) return;
    const { devtools } = this.browser;
    const { identifier: old } = this.ownScript;
    if (old !== '') await devtools.send('Page.removeScriptToEvaluateOnNewDocument', { identifier: old });
    const { identifier } = await devtools.send('Page.addScriptToEvaluateOnNewDocument', { source });
    this.ownScript = { source, identifier };
  }

  /** Waits for the page to answer that all that it needs is there. */
  private async getReady(
    template: Template,
    answer: Promise<unknown>,
    { limitMs, where, since }: { readonly limitMs: number; readonly where: string; readonly since: string },
  ): Promise<Readiness> {
    const when = `within ${limitMs} ms ${since}`;
    try {
      // A listener that throws would otherwise look like one that never answers.
      const ready = this.within(limitMs, Promise.race([answer, this.uncaught.promise]), template, where);
      const state = readiness.parse(await this.whileDrawing(ready));
      this.assertReady(template, state, when);
      if (this.origin.isWaiting) {
        await this.within(limitMs, this.compositor.settle(this.origin.settled()), template, where);
      }
      await this.assertPictures(template, when);
      this.assertClean();
      return state;
    } catch (error) {
      this.loaded = null;
      throw this.explain(error, template, where);
    }
  }

  /** Waits for the page, at first without drawing. */
  private async whileDrawing<T>(work: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const isSlow = await Promise.race([
      work.then(
        () => false,
        () => false,
      ),
      sleep(QUIET_MS, true, { signal: timer.signal }),
    ]);
    timer.abort();
    return isSlow ? await this.compositor.settle(work) : await work;
  }

  private assertReady(template: Template, { missing, missingFonts, brokenFonts }: Readiness, when: string): void {
    this.origin.assertSelfContained();
    if (missing.length > 0) {
      const { what, detail } = describeMissing(missing);
      throw new Failure('TemplateNotReady', `Template '${template.id}' was not ready ${when}: missing ${what}.`, {
        detail,
      });
    }
    if (missingFonts.length > 0) {
      throw new Failure(
        'FontMissing',
        `Template '${template.id}' declares fonts that did not load from its own files: ${list(missingFonts)}.`,
      );
    }
    if (brokenFonts.length > 0) {
      throw new Failure('FontMissing', `Template '${template.id}' loads a font whose file cannot be read.`, {
        detail: list(brokenFonts),
      });
    }
  }

  /** Backgrounds and pictures inside of SVG say nowhere that they failed. */
  private async assertPictures(template: Template, when: string): Promise<void> {
    const addresses = this.origin.takePictures();
    if (addresses.length === 0) return;
    const { devtools } = this.browser;
    const check = devtools.evaluate(`__nightreel.undecodable(${JSON.stringify(addresses)})`);
    const broken = await this.within(this.deadlines.loadMs, this.compositor.settle(check), template, when);
    const paths = addresses.filter((one) => Array.isArray(broken) && broken.includes(one)).map((one) => pathAt(one));
    if (paths.length === 0) return;
    throw new Failure(
      'TemplateNotReady',
      `Template '${template.id}' was not ready ${when}: ${list(paths.map((path) => `'${path}'`))} cannot be shown, as the file is no whole picture.`,
    );
  }

  /** Ends a script that takes longer. */
  private async within<T>(limitMs: number, work: Promise<T>, template: Template, where: string): Promise<T> {
    const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
    // In every frame's way: a timer of timers/promises would cost ten times as much to take back.
    const timer = setTimeout(resolve, limitMs + GRACE_MS, LATE);
    work.catch(() => undefined);
    const outcome = await Promise.race([work, late]).finally(() => clearTimeout(timer));
    if (outcome !== LATE) return outcome;
    this.loaded = null;
    const { devtools } = this.browser;
    const stopped = await stopScript(devtools);
    if (this.browser.broken.aborted) throw this.browser.broken.reason;
    if (stopped === 'unresponsive') {
      throw new Failure('BrowserHung', `Chromium did not answer ${where}, nor when its script was to be stopped.`);
    }
    if (stopped === 'stopped') {
      // Nor would it come back when it is asked once more.
      this.asked = null;
      throw new Failure(
        'TemplateCrashed',
        `Template '${template.id}' did not come back within ${limitMs} ms ${where}; its script was stopped. Look for a loop that never ends.`,
      );
    }
    throw new Failure(
      'TemplateNotReady',
      `Template '${template.id}' waited longer than ${limitMs} ms ${where} for a font, an image or a promise.`,
    );
  }

  private explain(error: unknown, template: Template, where: string): unknown {
    if (!(error instanceof PageError)) return error;
    this.said.noteError(error);
    this.loaded = null;
    try {
      // What it was refused is why it threw.
      this.origin.assertSelfContained();
    } catch (refused) {
      return refused;
    }
    const place = placeOf(error, template);
    const what = `Template '${template.id}' threw ${error.type} ${where}`;
    return new Failure('TemplateCrashed', place === '' ? `${what}.` : `${what}, ${place}.`, {
      detail: error.message,
      cause: error,
    });
  }

  private noteError(error: PageError): void {
    this.said.noteError(error);
    this.uncaughtError ??= error;
    this.uncaught.reject(this.uncaughtError);
  }

  private forgetErrors(): void {
    this.findings.forget();
    this.uncaughtError = null;
    this.uncaught = Promise.withResolvers<never>();
    this.uncaught.promise.catch(() => undefined);
  }
}

const paramsCall = (template: Template, params: Params, limitMs: number): string =>
  `__nightreel.applyParams(${JSON.stringify(params)}, ${JSON.stringify(template.fonts)}, ${limitMs})`;

/** The frame that templates are loaded into. */
function stageFrameOf(page: Page): Frame {
  const [frame] = page.mainFrame().childFrames();
  if (frame === undefined) throw new Failure('BrowserCrashed', 'The page lost the frame that holds the template.');
  return frame;
}
