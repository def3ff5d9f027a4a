/** One Chromium with one page: its processes, its profile and its DevTools session, from launch to the last trace. */

import puppeteer, { type Browser, type CDPSession, type Page } from 'puppeteer';
import { asFailure, Failure } from '../../contracts/failures.ts';
import type { Size } from '../geometry.ts';
import type { Log } from '../log.ts';
import { confine } from './confine.ts';
import { DevTools } from './devtools.ts';
import { onEndOfDrawing } from './drawing-process.ts';
import { type CaptureRoute, FONT_SETTINGS, flagsFor } from './flags.ts';
import { memoryOfGroup } from './memory.ts';
import { onEndOfPage } from './page-end.ts';
import { createProfile, removeProfile, temporaryOf } from './profiles.ts';
import { findSandbox, giveUpSandbox, type Sandbox } from './sandbox.ts';
import { hasLittleSharedMemory } from './shared-memory.ts';
import { endGroup, killGroup, tieGroup } from './tied-process.ts';

export interface BrowserOptions {
  readonly executable: string;
  /** `shell`: chrome-headless-shell; `full`: a whole Chromium, without a window unless it has a display. */
  readonly kind: 'shell' | 'full';
  readonly route: CaptureRoute;
  /** Of 1920x1080 when left out. */
  readonly window?: Size;
  /** The X display to show a window on. */
  readonly display?: { readonly name: string; readonly authority: string };
  readonly profileRoot: string;
  readonly callLimitMs: number;
  /** From its start until it answers; 30 s when left out. */
  readonly launchLimitMs?: number;
  readonly log: Log;
}

const LAUNCH_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 3_000;
const USUAL_WINDOW: Size = { width: 1920, height: 1080 };
/**
 * Handlers of crash reports, which nobody reads, leave the browser's process group and could outlive it. A whole Chromium 156
 * loads no page without them; there they end by themselves as the browser does.
 */
const WITHOUT_HANDLERS = '--disable-crashpad-for-testing';
const SHARED_MEMORY_IN_FILES = '--disable-dev-shm-usage';
/**
 * Of Puppeteer's own flags. It never uses /dev/shm, and without that every picture goes through files of the profile; a window of an
 * automated Chromium shows a bar that says so; and a page that opens windows is to be stopped.
 */
const UNWANTED = [SHARED_MEMORY_IN_FILES, '--enable-automation', '--disable-popup-blocking'];

export class ChromiumBrowser implements AsyncDisposable {
  readonly version: string;
  readonly devtools: DevTools;
  /** A session with the browser itself: it sees what its pages, workers and frames of other processes ask for. */
  readonly whole: DevTools;
  /** Aborted with a `Failure` of class `BrowserCrashed` when the browser or its page ends by itself. */
  readonly broken: AbortSignal;
  readonly page: Page;
  private readonly browser: Browser;
  private readonly profile: string;
  private readonly crash: AbortController;
  private readonly untie: () => void;
  private closing: Promise<void> | null = null;

  private constructor(
    browser: Browser,
    page: Page,
    { devtools, whole }: { readonly devtools: DevTools; readonly whole: DevTools },
    about: { version: string; crash: AbortController; profile: string; untie: () => void },
  ) {
    this.browser = browser;
    this.page = page;
    this.devtools = devtools;
    this.whole = whole;
    this.version = about.version;
    this.crash = about.crash;
    this.broken = about.crash.signal;
    this.profile = about.profile;
    this.untie = about.untie;
  }

  /** Failure `ToolMissing` when the program does not start, `BrowserHung` when it starts and says nothing. */
  static async launch(options: BrowserOptions, signal: AbortSignal): Promise<ChromiumBrowser> {
    const profile = await createProfile(options.profileRoot);
    let browser: Browser | null = null;
    let untie = (): void => undefined;
    try {
      browser = await start(options, profile, signal);
      const group = browser.process()?.pid;
      // Its pipe ends it with this process; unless it hangs at that moment.
      if (group !== undefined) untie = tieGroup(group);
      const crash = new AbortController();
      const running = browser.process();
      // Puppeteer stops listening to its pipes as it closes them, before they may report that Chromium is gone.
      for (const pipe of running?.stdio ?? []) pipe?.on('error', () => undefined);
      browser.on('disconnected', () => {
        crash.abort(new Failure('BrowserCrashed', `Chromium ended (${howEnded(running)}).`));
      });
      const { page, session, whole, version } = await answered(greet(browser, crash), options.callLimitMs, signal);
      if (group !== undefined && options.display !== undefined) {
        const stop = onEndOfDrawing(group, () => {
          crash.abort(new Failure('BrowserCrashed', "Chromium's drawing process ended; its window shows nothing new."));
        });
        crash.signal.addEventListener('abort', stop, { once: true });
      }
      const [devtools, all] = [session, whole].map(
        (one) => new DevTools({ session: one, broken: crash.signal, callLimitMs: options.callLimitMs }),
      ) as [DevTools, DevTools];
      return new ChromiumBrowser(browser, page, { devtools, whole: all }, { version, crash, profile, untie });
    } catch (error) {
      if (browser !== null) await end(browser);
      untie();
      await removeProfile(profile);
      throw error;
    }
  }

  /** The process that holds the browser's whole tree. */
  get pid(): number | undefined {
    return this.browser.process()?.pid;
  }

  /** Bytes that all its processes hold (see `memoryOfGroup`). */
  memoryBytes(): number {
    return this.pid === undefined ? 0 : memoryOfGroup(this.pid);
  }

  /** Ends it at once, hung or not; every call under way fails with this reason. */
  kill(reason: Failure): void {
    this.crash.abort(reason);
    if (this.pid !== undefined) killGroup(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= end(this.browser).then(() => {
      this.untie();
      return removeProfile(this.profile);
    });
    await this.closing;
  }
}

async function start(options: BrowserOptions, profile: string, signal: AbortSignal): Promise<Browser> {
  const inFiles = hasLittleSharedMemory() ? [SHARED_MEMORY_IN_FILES] : [];
  const { launchLimitMs = LAUNCH_LIMIT_MS } = options;
  const launch = async ({ command, whyOff }: Sandbox): Promise<Browser> => {
    const stop = new AbortController();
    const headless = options.display !== undefined ? false : options.kind === 'shell' ? 'shell' : true;
    const args = await puppeteer.defaultArgs({
      headless,
      userDataDir: profile,
      args: [
        ...flagsFor(options.route, options.window ?? USUAL_WINDOW),
        ...(whyOff === null ? [] : ['--no-sandbox']),
        ...(options.kind === 'shell' ? [WITHOUT_HANDLERS] : []),
      ],
    });
    const [program = '', ...line] = [
      ...command,
      options.executable,
      ...args.filter((flag) => !UNWANTED.includes(flag)),
      ...inFiles,
    ];
    const launched = puppeteer.launch({
      executablePath: program,
      headless,
      // Chromium ends when this pipe closes, so it cannot outlive a process that was killed.
      pipe: true,
      defaultViewport: null,
      // Calls have shorter limits of their own; this one is for what Puppeteer asks as it starts.
      protocolTimeout: launchLimitMs,
      timeout: launchLimitMs,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: line,
      ignoreDefaultArgs: true,
      downloadBehavior: { policy: 'deny' },
      env: environmentFor(profile, options.display),
      signal: stop.signal,
    });
    try {
      // Puppeteer waits without an end for a browser that dies after its first words.
      return await answered(launched, launchLimitMs, signal);
    } catch (error) {
      stop.abort();
      launched.then(end, () => undefined);
      throw error;
    }
  };
  try {
    const sandbox = await findSandbox();
    if (sandbox.whyOff !== null) return await launch(sandbox);
    // A start that fails on a busy machine must not cost all that follow their sandbox: one more has to fail.
    for (let failures = 0; failures < 2; failures++) {
      try {
        return await launch(sandbox);
      } catch (error) {
        if (error instanceof Failure) throw error;
        options.log.debug({ error: firstLine(error) }, 'Chromium did not start with its sandbox');
      }
    }
    const browser = await launch({ command: [], whyOff: '' });
    giveUpSandbox();
    return browser;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'ToolMissing',
      `${options.executable} does not start: ${firstLine(error)} Run \`nightreel setup\`.`,
      {
        cause: error,
      },
    );
  }
}

/** The first words with a browser. */
async function greet(
  browser: Browser,
  crash: AbortController,
): Promise<{ page: Page; session: CDPSession; whole: CDPSession; version: string }> {
  const page = (await browser.pages())[0] ?? (await browser.newPage());
  const session = await page.createCDPSession();
  const whole = await browser.target().createCDPSession();
  await onEndOfPage(page, { session, whole }, (failure) => crash.abort(failure));
  await confine(whole);
  return { page, session, whole, version: await browser.version() };
}

/** Failure `BrowserHung` when that takes longer; ends with the signal's reason. */
async function answered<T>(work: Promise<T>, limitMs: number, signal: AbortSignal): Promise<T> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(asFailure(signal.reason, 'Cancelled'));
  const timer = setTimeout(() => {
    reject(new Failure('BrowserHung', `Chromium was started and did not answer within ${limitMs} ms.`));
  }, limitMs);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** The same on every machine and for every user: time zone, language, and no fonts of a home folder. */
const environmentFor = (profile: string, display: BrowserOptions['display']): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: profile,
  TMPDIR: temporaryOf(profile),
  XDG_RUNTIME_DIR: profile,
  TZ: 'UTC',
  LANG: 'en_US.UTF-8',
  FONTCONFIG_FILE: FONT_SETTINGS,
  ...(display === undefined ? {} : { DISPLAY: display.name, XAUTHORITY: display.authority }),
});

async function end(browser: Browser): Promise<void> {
  const running = browser.process();
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_LIMIT_MS);
  await Promise.race([browser.close().catch(() => undefined), late]);
  clearTimeout(timer);
  if (running?.pid === undefined) return;
  const gone = running.exitCode !== null || running.signalCode !== null ? null : Promise.withResolvers<void>();
  if (gone !== null) running.once('exit', () => gone.resolve());
  // Puppeteer starts it as the leader of a group of its own; whatever is left of that group goes now.
  await endGroup(running.pid);
  await gone?.promise;
}

function howEnded(running: ReturnType<Browser['process']>): string {
  if (running?.signalCode) return running.signalCode;
  return running?.exitCode === null || running?.exitCode === undefined ? 'connection lost' : `code ${running.exitCode}`;
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
