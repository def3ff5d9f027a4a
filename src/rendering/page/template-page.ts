/** A template in a browser: loaded once, given params again and again, moved from frame to frame. */

import { TimeoutError } from 'puppeteer';
import { Failure } from '../../contracts/failures.ts';
import type { Params } from '../../contracts/video.ts';
import type { Template } from '../../templates/template.ts';
import type { ChromiumBrowser } from '../browser/browser.ts';
import { PageError, pageErrorOf } from '../browser/page-error.ts';
import type { Compositor } from '../capture/compositor.ts';
import type { Log } from '../log.ts';
import { TemplateOrigin } from './origin.ts';
import { placeOf } from './place.ts';
import { describeMissing, list, type Readiness, readiness } from './readiness.ts';
import { scriptsFor } from './scripts.ts';

export interface PageDeadlines {
  /** From the start of a load until the composition can be sought. */
  readonly loadMs: number;
  /** From sending params until `hf-params-ready` and the fonts and images that they need. */
  readonly paramsMs: number;
}

export class TemplatePage {
  private readonly browser: ChromiumBrowser;
  private readonly compositor: Compositor;
  private readonly origin: TemplateOrigin;
  private readonly deadlines: PageDeadlines;
  private readonly log: Log;
  private loaded: Template | null = null;
  private scriptIds: string[] = [];
  private uncaught = Promise.withResolvers<never>();
  private uncaughtError: PageError | null = null;

  private constructor(
    browser: ChromiumBrowser,
    compositor: Compositor,
    origin: TemplateOrigin,
    { deadlines, log }: { deadlines: PageDeadlines; log: Log },
  ) {
    this.browser = browser;
    this.compositor = compositor;
    this.origin = origin;
    this.deadlines = deadlines;
    this.log = log;
    this.forgetErrors();
  }

  static async create(
    browser: ChromiumBrowser,
    compositor: Compositor,
    options: { readonly deadlines: PageDeadlines; readonly log: Log },
  ): Promise<TemplatePage> {
    const { devtools } = browser;
    const page = new TemplatePage(browser, compositor, await TemplateOrigin.attach(devtools), options);
    const { session } = devtools;
    session.on('Runtime.exceptionThrown', ({ exceptionDetails }) => page.noteError(pageErrorOf(exceptionDetails)));
    // A dialog stops every script of the page until somebody answers; leaving the page must always be allowed.
    session.on('Page.javascriptDialogOpening', ({ type }) => {
      devtools.send('Page.handleJavaScriptDialog', { accept: type === 'beforeunload' }).catch(() => undefined);
    });
    await devtools.send('Page.enable');
    await devtools.send('Runtime.enable');
    return page;
  }

  /**
   * Brings the page to where frames of this video can be captured. The template is loaded when it is not there yet; a
   * stock composition always is, with `params` as its variables.
   */
  async open(template: Template, params: Params): Promise<void> {
    if (template.contract === 'stock') {
      await this.load(template, params);
      return;
    }
    // By content: whoever warmed this page may have read the template at another time.
    if (this.loaded?.digest !== template.digest) await this.load(template, null);
    this.forgetErrors();
    const { paramsMs } = this.deadlines;
    const state = await this.call(
      template,
      `applyParams(${JSON.stringify(params)}, ${JSON.stringify(template.fonts)}, ${paramsMs})`,
      'while it took params',
    );
    this.assertReady(template, state, `within ${paramsMs} ms of getting params`);
  }

  /** Draws one frame of what is open. */
  async seek(frame: number): Promise<void> {
    const template = this.loaded;
    if (template === null) throw new Failure('Internal', 'A frame was asked for before a template was open.');
    const where = `at frame ${frame} of ${template.frameCount}`;
    try {
      const needsFonts = await this.browser.devtools.evaluate(`__nightreel.seek(${frame / template.fps})`);
      if (needsFonts === true) {
        await this.compositor.settle(this.browser.devtools.evaluate('__nightreel.fontsLoaded()'));
      }
    } catch (error) {
      throw this.explain(error, template, where);
    }
    if (this.uncaughtError !== null) throw this.explain(this.uncaughtError, template, where);
  }

  /** Throws when the template asked for something outside its folder, or threw where nobody waited for it. */
  assertClean(): void {
    this.origin.assertSelfContained();
    if (this.uncaughtError !== null && this.loaded !== null) {
      throw this.explain(this.uncaughtError, this.loaded, 'while it was rendered');
    }
  }

  private async load(template: Template, variables: Params | null): Promise<void> {
    const { devtools, page } = this.browser;
    this.loaded = null;
    this.forgetErrors();
    for (const identifier of this.scriptIds.splice(0)) {
      await devtools.send('Page.removeScriptToEvaluateOnNewDocument', { identifier });
    }
    for (const source of scriptsFor(template, variables)) {
      const { identifier } = await devtools.send('Page.addScriptToEvaluateOnNewDocument', { source });
      this.scriptIds.push(identifier);
    }
    const { loadMs } = this.deadlines;
    try {
      const address = this.origin.serve(template);
      await this.compositor.settle(page.goto(address, { waitUntil: 'load', timeout: loadMs }));
    } catch (error) {
      this.origin.assertSelfContained();
      if (error instanceof TimeoutError) {
        throw new Failure('TemplateNotReady', `Template '${template.id}' did not load within ${loadMs} ms.`, {
          cause: error,
        });
      }
      if (this.browser.broken.aborted) throw this.browser.broken.reason;
      throw error;
    }
    const state = await this.call(
      template,
      `ready(${JSON.stringify(template.fonts)}, ${loadMs})`,
      'while it was loaded',
    );
    this.assertReady(template, state, `within ${loadMs} ms of loading`);
    // Half a frame: authors write 12 where a timeline ends at 11.99.
    if (Math.abs(state.durationMs - template.durationMs) > 500 / template.fps && state.durationMs > 0) {
      this.log.warn(
        { template: template.id, declaredMs: template.durationMs, pageMs: state.durationMs },
        'the page says another duration than template.json, which is what counts',
      );
    }
    this.loaded = template;
  }

  private async call(template: Template, expression: string, where: string): Promise<Readiness> {
    const answer = this.browser.devtools.evaluate(`__nightreel.${expression}`);
    try {
      // A listener that throws would otherwise look like one that never answers.
      return readiness.parse(await this.compositor.settle(Promise.race([answer, this.uncaught.promise])));
    } catch (error) {
      this.loaded = null;
      throw this.explain(error, template, where);
    }
  }

  private assertReady(template: Template, { missing, missingFonts }: Readiness, when: string): void {
    try {
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
    } catch (error) {
      this.loaded = null;
      throw error;
    }
  }

  private explain(error: unknown, template: Template, where: string): unknown {
    if (!(error instanceof PageError)) return error;
    this.loaded = null;
    const place = placeOf(error, template);
    const what = `Template '${template.id}' threw ${error.type} ${where}`;
    return new Failure('TemplateCrashed', place === '' ? `${what}.` : `${what}, ${place}.`, {
      detail: error.message,
      cause: error,
    });
  }

  private noteError(error: PageError): void {
    this.uncaughtError ??= error;
    this.uncaught.reject(this.uncaughtError);
  }

  private forgetErrors(): void {
    this.uncaughtError = null;
    this.uncaught = Promise.withResolvers<never>();
    this.uncaught.promise.catch(() => undefined);
  }
}
