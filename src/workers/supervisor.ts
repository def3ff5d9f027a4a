import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../contracts/failures.ts';

const RESTART_PAUSE_MS = 1_000;
/** Deaths before the first readiness that are taken for a worker that cannot start at all. */
const MAX_FAILED_STARTS = 3;

export interface SupervisorOptions {
  /** Program and arguments of the worker, for example `bin/nightreel serve --workers 2`. */
  readonly command: readonly [string, ...string[]];
  /** Its output goes here, appended. */
  readonly logFile: string;
  readonly onRestart?: (reason: string) => void;
}

/**
 * Keeps one worker process alive: one that dies is started again. The worker hears by its IPC channel when this process
 * dies, and ends itself: none is orphaned.
 */
export class WorkerSupervisor implements AsyncDisposable {
  private readonly options: SupervisorOptions;
  private child: ChildProcess | null = null;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  private constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /** Returns once the worker says that it is ready. Throws with its last words when it cannot start. */
  static async start(options: SupervisorOptions, signal: AbortSignal): Promise<WorkerSupervisor> {
    const supervisor = new WorkerSupervisor(options);
    await mkdir(dirname(options.logFile), { recursive: true });
    try {
      await new Promise<void>((ready, failed) => {
        signal.addEventListener('abort', () => failed(signal.reason), { once: true });
        supervisor.loop = supervisor.keepAlive(ready, failed);
      });
    } catch (error) {
      await supervisor[Symbol.asyncDispose]();
      throw error;
    }
    return supervisor;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Lets the worker drain, then makes sure that it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping = true;
    this.child?.kill('SIGTERM');
    await this.loop;
  }

  private async keepAlive(ready: () => void, failed: (error: unknown) => void): Promise<void> {
    let failedStarts = 0;
    while (!this.stopping) {
      const log = await open(this.options.logFile, 'a');
      const [program, ...args] = this.options.command;
      const child = spawn(program, args, {
        // A group of its own: Ctrl-C in the terminal is for the supervisor, which ends the worker in its own time.
        detached: true,
        stdio: ['ignore', log.fd, log.fd, 'ipc'],
      });
      this.child = child;
      await log.close();
      let wasReady = false;
      child.on('message', (message) => {
        if (message === 'ready') {
          wasReady = true;
          failedStarts = 0;
          ready();
        }
      });
      child.on('error', failed);
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      this.child = null;
      if (this.stopping) return;
      if (!wasReady) failedStarts += 1;
      const reason = signal ?? `exit code ${code}`;
      if (failedStarts >= MAX_FAILED_STARTS || code === 2 || code === 3) {
        failed(
          new Failure(
            'ToolMissing',
            `The worker does not start (${reason}). Its last words are in ${this.options.logFile}.`,
          ),
        );
        return;
      }
      this.options.onRestart?.(reason);
      await sleep(RESTART_PAUSE_MS);
    }
  }
}
