/** `nightreel serve` as a process of the test's own. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestHome } from './nightreel.ts';

export class Worker {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static start(
    home: TestHome,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Worker {
    const child = home.start(['serve', '--workers', '2', ...args], environment);
    child.stdout?.resume();
    child.stderr?.resume();
    return new Worker(child);
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'close');
  }
}
