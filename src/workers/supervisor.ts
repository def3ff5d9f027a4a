import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../contracts/exit-codes.ts';
import { Failure } from '../contracts/failures.ts';

const RESTART_PAUSE_MS = 1_000;
/** Deaths in a row before readiness that are taken for a worker that cannot start at all. */
const MAX_FAILED_STARTS = 5;
/** The workers' own limits, a grace of 60 s and an end by force at 75 s, come first. */
const DRAIN_LIMIT_MS = 80_000;

export interface SupervisorOptions {
  /** Program and arguments of the worker, for example `bin/nightreel serve --workers 2`. */
  readonly command: readonly [string, ...string[]];
  /** Its output goes here, appended. */
  readonly logFile: string;
  readonly onRestart?: (reason: string) => void;
}

/** The sentence with which a command ends that cannot do its work (`cli/exit.ts`), or else where to look for one. */
async function lastWords(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
  const sentence = lines.slice(-20).findLast((line) => line.startsWith('nightreel: '));
  return sentence?.slice('nightreel: '.length) ?? `its log is ${logFile}.`;
}

/**
 * Keeps one worker process alive: one that dies is started again. The worker hears by its IPC channel when this process
 * dies, and ends itself: none is orphaned.
 */
export class WorkerSupervisor implements AsyncDisposable {
  /** Rejects when the worker cannot be kept alive; never resolves. */
  readonly lost: Promise<never>;
  private readonly options: SupervisorOptions;
  private readonly giveUp: (failure: Failure) => void;
  private child: ChildProcess | null = null;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  private constructor(options: SupervisorOptions) {
    this.options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.lost = promise;
    this.giveUp = reject;
  }

  /** Returns once the worker says that it is ready. Throws with the place of its last words when it cannot start. */
  static async start(options: SupervisorOptions, signal: AbortSignal): Promise<WorkerSupervisor> {
    const supervisor = new WorkerSupervisor(options);
    await mkdir(dirname(options.logFile), { recursive: true });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      supervisor.loop = supervisor.keepAlive(resolve);
      await Promise.race([ready, supervisor.lost]);
    } catch (error) {
      await supervisor[Symbol.asyncDispose]();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return supervisor;
  }

  /** Lets the worker drain; one that has not ended by then is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping = true;
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), DRAIN_LIMIT_MS);
    await this.loop;
    clearTimeout(timer);
  }

  private async keepAlive(ready: () => void): Promise<void> {
    let wasEverReady = false;
    for (let failedStarts = 0; !this.stopping; ) {
      const { started, end, code } = await this.runOnce(ready);
      if (this.stopping) return;
      failedStarts = started ? 0 : failedStarts + 1;
      wasEverReady ||= started;
      // Bad input and a missing program do not go away by themselves; later on it is more likely that a server did.
      const isHopeless = !wasEverReady && (code === EXIT.badInput || code === EXIT.environment);
      if (isHopeless || failedStarts >= MAX_FAILED_STARTS) {
        const said = await lastWords(this.options.logFile);
        this.giveUp(new Failure('ToolMissing', `The worker does not start (${end}): ${said}`));
        return;
      }
      this.options.onRestart?.(end);
      await sleep(RESTART_PAUSE_MS * 2 ** failedStarts);
    }
  }

  /** One life of the worker: whether it became ready, and how it ended. */
  private async runOnce(ready: () => void): Promise<{ started: boolean; end: string; code: number | null }> {
    const log = await open(this.options.logFile, 'a');
    try {
      if (this.stopping) return { started: false, end: 'not started', code: null };
      const [program, ...args] = this.options.command;
      const child = spawn(program, args, {
        // A group of its own: Ctrl-C in the terminal is for the supervisor, which ends the worker in its own time.
        detached: true,
        stdio: ['ignore', log.fd, log.fd, 'ipc'],
      });
      this.child = child;
      let started = false;
      child.on('message', (message) => {
        if (message !== 'ready') return;
        started = true;
        ready();
      });
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      return { started, end: signal ?? `exit code ${code}`, code };
    } catch (error) {
      return { started: false, end: error instanceof Error ? error.message : String(error), code: null };
    } finally {
      this.child = null;
      await log.close();
    }
  }
}
