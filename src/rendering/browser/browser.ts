/** One Chromium with one page: its processes, its profile and its DevTools session, from launch to the last trace. */

import { statfs } from 'node:fs/promises';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { asFailure, Failure } from '../../contracts/failures.ts';
import type { Log } from '../log.ts';
import { DevTools } from './devtools.ts';
import { type CaptureRoute, flagsFor } from './flags.ts';
import { createProfile, removeProfile } from './profiles.ts';

export interface BrowserOptions {
  readonly executable: string;
  /** `shell`: chrome-headless-shell; `full`: a whole Chromium without a window. */
  readonly kind: 'shell' | 'full';
  readonly route: CaptureRoute;
  readonly profileRoot: string;
  readonly callLimitMs: number;
  readonly log: Log;
}

const LAUNCH_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 3_000;
/** What Chromium wants of /dev/shm for a page of 4K; a container's default is 64 MiB. */
const SHARED_MEMORY_BYTES = 256 * 1024 * 1024;

export class ChromiumBrowser implements AsyncDisposable {
  readonly version: string;
  readonly devtools: DevTools;
  /** Aborted with a `Failure` of class `BrowserCrashed` when the browser or its page ends by itself. */
  readonly broken: AbortSignal;
  readonly page: Page;
  private readonly browser: Browser;
  private readonly profile: string;
  private closing: Promise<void> | null = null;

  private constructor(
    browser: Browser,
    page: Page,
    devtools: DevTools,
    about: Pick<ChromiumBrowser, 'version' | 'broken'> & { profile: string },
  ) {
    this.browser = browser;
    this.page = page;
    this.devtools = devtools;
    this.version = about.version;
    this.broken = about.broken;
    this.profile = about.profile;
  }

  /** Failure `ToolMissing` when the program does not start. */
  static async launch(options: BrowserOptions, signal: AbortSignal): Promise<ChromiumBrowser> {
    const profile = await createProfile(options.profileRoot);
    let browser: Browser | null = null;
    try {
      browser = await start(options, profile, signal);
      const crash = new AbortController();
      const page = (await browser.pages())[0] ?? (await browser.newPage());
      const running = browser.process();
      // Puppeteer stops listening to its pipes as it closes them, before they may report that Chromium is gone.
      for (const pipe of running?.stdio ?? []) pipe?.on('error', () => undefined);
      browser.on('disconnected', () => {
        crash.abort(new Failure('BrowserCrashed', `Chromium ended (${howEnded(running)}).`));
      });
      page.on('error', () => crash.abort(new Failure('BrowserCrashed', "Chromium's page process ended.")));
      const devtools = new DevTools({
        session: await page.createCDPSession(),
        broken: crash.signal,
        callLimitMs: options.callLimitMs,
      });
      const version = await browser.version();
      return new ChromiumBrowser(browser, page, devtools, { version, broken: crash.signal, profile });
    } catch (error) {
      if (browser !== null) await end(browser);
      await removeProfile(profile);
      throw error;
    }
  }

  /** The process that holds the browser's whole tree. */
  get pid(): number | undefined {
    return this.browser.process()?.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= end(this.browser).then(() => removeProfile(this.profile));
    await this.closing;
  }
}

async function start(options: BrowserOptions, profile: string, signal: AbortSignal): Promise<Browser> {
  const flags = [...flagsFor(options.route)];
  if (await hasLittleSharedMemory()) flags.push('--disable-dev-shm-usage');
  const launch = (sandbox: readonly string[]): Promise<Browser> =>
    puppeteer.launch({
      executablePath: options.executable,
      headless: options.kind === 'shell' ? 'shell' : true,
      // Chromium ends when this pipe closes, so it cannot outlive a process that was killed.
      pipe: true,
      userDataDir: profile,
      defaultViewport: null,
      protocolTimeout: 0,
      timeout: LAUNCH_LIMIT_MS,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [...flags, ...sandbox],
      // Puppeteer never uses /dev/shm; without it every picture goes through files of the profile.
      ignoreDefaultArgs: ['--disable-dev-shm-usage'],
      env: environmentFor(profile),
      signal,
    });
  const isRoot = process.getuid?.() === 0;
  try {
    if (isRoot) return await launch(['--no-sandbox']);
    try {
      return await launch([]);
    } catch (error) {
      signal.throwIfAborted();
      options.log.warn({ error: String(error) }, 'Chromium does not start with its sandbox here; trying without');
      return await launch(['--no-sandbox']);
    }
  } catch (error) {
    if (signal.aborted) throw asFailure(signal.reason, 'Cancelled');
    throw new Failure(
      'ToolMissing',
      `${options.executable} does not start: ${firstLine(error)} Run \`npm run setup\`.`,
      {
        cause: error,
      },
    );
  }
}

/** The same on every machine and for every user: time zone, language, and no fonts of a home folder. */
const environmentFor = (profile: string): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: profile,
  TMPDIR: profile,
  TZ: 'UTC',
  LANG: 'en_US.UTF-8',
});

async function hasLittleSharedMemory(): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs('/dev/shm');
    return bavail * bsize < SHARED_MEMORY_BYTES;
  } catch {
    return true;
  }
}

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
  try {
    process.kill(-running.pid, 'SIGKILL');
  } catch {
    // ESRCH: nothing is left.
  }
  await gone?.promise;
}

function howEnded(running: ReturnType<Browser['process']>): string {
  if (running?.signalCode) return running.signalCode;
  return running?.exitCode === null || running?.exitCode === undefined ? 'connection lost' : `code ${running.exitCode}`;
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
