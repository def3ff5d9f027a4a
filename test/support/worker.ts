/** `nightreel serve` as a process of the test's own. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestHome } from './nightreel.ts';

export class Worker {
  readonly pid: number;
  /** Settles when it ended, however. */
  readonly ended: Promise<unknown>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('the worker was not started');
    this.pid = child.pid;
    this.child = child;
    this.ended = once(child, 'close');
  }

  /** @param args more of `serve`'s; it has two slots unless they say otherwise. */
  static start(
    home: TestHome,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ): Worker {
    const child = home.start(['serve', '--workers', '2', ...args], environment, within);
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
    this.child.kill(signal);
    await this.ended;
  }
}
