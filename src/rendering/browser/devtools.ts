/** One DevTools session: calls with a deadline, and errors that say what became of the browser. */

import { type CDPSession, ProtocolError } from 'puppeteer';
import { Failure } from '../../contracts/failures.ts';
import { pageErrorOf } from './page-error.ts';

type Commands = Parameters<CDPSession['send']>[0];
type ParametersOf<Method extends Commands> =
  Parameters<typeof CDPSession.prototype.send<Method>> extends [Method, ...infer Rest] ? Rest : never;
type ResultOf<Method extends Commands> = Awaited<ReturnType<typeof CDPSession.prototype.send<Method>>>;

export interface DevToolsOptions {
  readonly session: CDPSession;
  /** Aborted with a `Failure` when the browser or its page is gone. */
  readonly broken: AbortSignal;
  /** A call that takes longer means that the browser hangs. */
  readonly callLimitMs: number;
}

/** A script of the page ran on for longer than it may, or waits for what never comes. The page should be loaded anew. */
export class ScriptTimeout extends Error {
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`a script did not come back within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** How soon a page that is alive lets go of a script; one that does not is frozen. */
const INTERRUPT_LIMIT_MS = 5_000;
/** How often headway is looked for within a limit: looks are counted, because time passes on a machine that sleeps as well. */
const LOOKS = 10;

export class DevTools {
  readonly session: CDPSession;
  private readonly broken: AbortSignal;
  private readonly callLimitMs: number;
  private readonly inFlight = new Set<Promise<unknown>>();

  constructor({ session, broken, callLimitMs }: DevToolsOptions) {
    this.session = session;
    this.broken = broken;
    this.callLimitMs = callLimitMs;
  }

  /** Failure `BrowserCrashed` when the browser goes away meanwhile, `BrowserHung` when it does not answer in time. */
  async send<Method extends Commands>(method: Method, ...params: ParametersOf<Method>): Promise<ResultOf<Method>> {
    return await this.sendWithin(this.callLimitMs, method, ...params);
  }

  private async sendWithin<Method extends Commands>(
    limitMs: number,
    method: Method,
    ...params: ParametersOf<Method>
  ): Promise<ResultOf<Method>> {
    if (this.broken.aborted) throw this.broken.reason;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const onBroken = () => reject(this.broken.reason);
    this.broken.addEventListener('abort', onBroken, { once: true });
    const timer = setTimeout(() => {
      reject(new Failure('BrowserHung', `Chromium did not answer ${method} within ${limitMs} ms.`));
    }, limitMs);
    const call = this.session.send(method, ...params);
    this.track(call);
    try {
      return await Promise.race([call, interrupted]);
    } catch (error) {
      if (error instanceof Failure) throw error;
      // What Chromium itself answered is kept as the original message; without one there was nobody left to answer.
      if (error instanceof ProtocolError) {
        const { originalMessage } = error;
        const what = originalMessage === '' ? 'went away during' : 'refused';
        throw new Failure('BrowserCrashed', `Chromium ${what} ${method}.`, { detail: originalMessage, cause: error });
      }
      throw error;
    } finally {
      clearTimeout(timer);
      this.broken.removeEventListener('abort', onBroken);
    }
  }

  /**
   * Runs an expression in the page. Throws `PageError` with what the page threw. A script that is not over within `limitMs`,
   * when that is given, is stopped: `ScriptTimeout`, or `BrowserHung` when the page does not even do that.
   */
  async evaluate(expression: string, limitMs?: number): Promise<unknown> {
    // Later than the script's own limit, which says more.
    const lastMs = limitMs === undefined ? this.callLimitMs : limitMs + 4 * INTERRUPT_LIMIT_MS;
    const answer = this.sendWithin(lastMs, 'Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    const { result, exceptionDetails } = await (limitMs === undefined ? answer : this.within(limitMs, answer));
    if (exceptionDetails !== undefined) throw pageErrorOf(exceptionDetails);
    return result.value;
  }

  /** Stops the script that runs in the page, an endless loop too. Failure `BrowserHung` when the page does not react. */
  async interrupt(): Promise<void> {
    await this.sendWithin(INTERRUPT_LIMIT_MS, 'Runtime.terminateExecution');
  }

  private async within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    let looks = 0;
    const timer = setInterval(() => {
      looks += 1;
      if (looks < LOOKS) return;
      clearInterval(timer);
      answer.catch(() => undefined);
      this.interrupt().then(() => reject(new ScriptTimeout(limitMs)), reject);
    }, limitMs / LOOKS);
    // An answer in the moment of the interruption is that of the interruption.
    const orInterrupted = answer.catch(async (error: unknown) => {
      if (looks < LOOKS || this.broken.aborted) throw error;
      return await late;
    });
    try {
      return await Promise.race([orInterrupted, late]);
    } finally {
      clearInterval(timer);
    }
  }

  /** True once no call is under way, false when one still is after `limitMs`. */
  async isIdleWithin(limitMs: number): Promise<boolean> {
    if (this.inFlight.size === 0) return true;
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    try {
      return await Promise.race([Promise.allSettled(this.inFlight).then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private track(call: Promise<unknown>): void {
    this.inFlight.add(call);
    const forget = () => this.inFlight.delete(call);
    call.then(forget, forget);
  }
}
