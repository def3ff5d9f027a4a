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

export class DevTools {
  readonly session: CDPSession;
  /** Aborted with a `Failure` when the browser or its page is gone. */
  readonly broken: AbortSignal;
  private readonly callLimitMs: number;
  private readonly inFlight = new Set<Promise<unknown>>();

  constructor({ session, broken, callLimitMs }: DevToolsOptions) {
    this.session = session;
    this.broken = broken;
    this.callLimitMs = callLimitMs;
  }

  /** Failure `BrowserCrashed` when the browser goes away meanwhile, `BrowserHung` when it does not answer in time. */
  async send<Method extends Commands>(method: Method, ...params: ParametersOf<Method>): Promise<ResultOf<Method>> {
    if (this.broken.aborted) throw this.broken.reason;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const onBroken = () => reject(this.broken.reason);
    this.broken.addEventListener('abort', onBroken, { once: true });
    const timer = setTimeout(() => {
      reject(new Failure('BrowserHung', `Chromium did not answer ${method} within ${this.callLimitMs} ms.`));
    }, this.callLimitMs);
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

  /** Runs an expression in the page. Throws `PageError` with what the page threw. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw pageErrorOf(exceptionDetails);
    return result.value;
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
