/** `nightreel serve` as a service manager keeps it: what ends is started again, until it is told to stop. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestHome } from '../support/nightreel.ts';

const PAUSE_MS = 1_000;

export class KeptWorker implements AsyncDisposable {
  /** Of all that were started. */
  readonly pids: number[] = [];
  private readonly start: () => ChildProcess;
  private child: ChildProcess;
  private isStopping = false;
  private readonly kept: Promise<void>;

  constructor(home: TestHome, roles: string, environment: Readonly<Record<string, string>>) {
    this.start = () => {
      const child = home.start(['serve', '--workers', '2', '--roles', roles], environment);
      if (child.pid !== undefined) this.pids.push(child.pid);
      child.stdout?.resume();
      child.stderr?.resume();
      return child;
    };
    this.child = this.start();
    this.kept = this.keep();
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopping = true;
    this.child.kill('SIGTERM');
    await this.kept;
  }

  private async keep(): Promise<void> {
    for (;;) {
      if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
      if (this.isStopping) return;
      await sleep(PAUSE_MS);
      if (this.isStopping) return;
      this.child = this.start();
    }
  }
}
