/** A Temporal server for tests that need one of their own: a development server on a free port, gone when the test is. */

import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { endGuarded, freePort, guarded } from './guarded.ts';

const TEMPORAL = resolve(import.meta.dirname, '../../.tools/bin/temporal');

export class TestTemporal implements AsyncDisposable {
  /** host:port. */
  readonly address: string;
  readonly client: Client;
  private readonly guard: ChildProcess;
  private readonly log: string;

  private constructor(guard: ChildProcess, address: string, log: string, client: Client) {
    this.guard = guard;
    this.address = address;
    this.log = log;
    this.client = client;
  }

  /** @param dynamicConfig as `key=value`, each. */
  static async start(...dynamicConfig: readonly string[]): Promise<TestTemporal> {
    return await TestTemporal.launch(dynamicConfig.flatMap((value) => ['--dynamic-config-value', value]));
  }

  /** On a database file, which stays when the server has gone. */
  static async on(database: string): Promise<TestTemporal> {
    return await TestTemporal.launch(['--db-filename', database, '--sqlite-pragma', 'journal_mode=WAL']);
  }

  private static async launch(more: readonly string[]): Promise<TestTemporal> {
    const port = await freePort();
    const log = join(tmpdir(), `nightreel-temporal-${process.pid}-${port}.log`);
    const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap(({ name }) => [
      '--search-attribute',
      `${name}=Keyword`,
    ]);
    const guard = await guarded(
      [
        ...([TEMPORAL, 'server', 'start-dev', '--headless', '--ip', '127.0.0.1'] as const),
        ...['--port', String(port), '--disable-config-file', '--disable-config-env', ...attributes],
        ...more,
      ],
      { log, cwd: tmpdir() },
    );
    const address = `127.0.0.1:${port}`;
    return new TestTemporal(guard, address, log, new Client({ connection: await connect(address) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.connection.close();
    await endGuarded(this.guard);
    await rm(this.log, { force: true });
  }
}

async function connect(address: string): Promise<Connection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await Connection.connect({ address, connectTimeout: '2 seconds' });
    } catch (error) {
      if (attempt === 30) throw error;
      await sleep(200);
    }
  }
}
