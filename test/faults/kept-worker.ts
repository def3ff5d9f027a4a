/** `nightreel serve` as a service manager keeps it: what ends is started again, until it is told to stop. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { TestHome } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const PAUSE_MS = 1_000;

export interface KeptWorkerOptions {
  readonly roles: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly within?: readonly string[] | undefined;
}

export class KeptWorker implements AsyncDisposable {
  /** Of all that were started. */
  readonly pids: number[] = [];
  private readonly start: () => Worker;
  private worker: Worker;
  private isStopping = false;
  private readonly kept: Promise<void>;

  constructor(home: TestHome, { roles, environment, within }: KeptWorkerOptions) {
    this.start = () => {
      const worker = Worker.start(home, ['--roles', roles], environment, within);
      this.pids.push(worker.pid);
      return worker;
    };
    this.worker = this.start();
    this.kept = this.keep();
  }

  /** Of the one that runs now. */
  get pid(): number {
    return this.worker.pid;
  }

  async kill(): Promise<void> {
    await this.worker.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopping = true;
    await this.worker.stop();
    await this.kept;
  }

  private async keep(): Promise<void> {
    for (;;) {
      await this.worker.ended;
      if (this.isStopping) return;
      await sleep(PAUSE_MS);
      if (this.isStopping) return;
      this.worker = this.start();
    }
  }
}
