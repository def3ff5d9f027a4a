/**
 * A stand-in for Snowflake: fakesnow behind a bridge that speaks the Node driver's protocol. It has no change tracking, no
 * time travel and no roles; what depends on these is tested as text. Its data are gone when it ends.
 */

import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'snowflake-sdk';
import { snowflakeDriver } from '../../src/warehouse/snowflake/driver.ts';
import { endGuarded, freePort, guarded } from './guarded.ts';

const TOOLS = join(import.meta.dirname, '../../.tools/fakesnow');
const READY_WITHIN_MS = 60_000;
const PASSPHRASE = 'a phrase';
const TOKEN = 'token-of-the-tests';
const PASSWORD = 'password of the tests';

export interface SnowflakeFaults {
  /** What the next queries are answered with, and how many of them. */
  readonly fail?: { readonly code: string; readonly message: string };
  readonly times?: number;
  /** Written answers to queries that hold the text: columns and rows as Snowflake's JSON has them. */
  readonly answers?: Readonly<
    Record<string, { readonly rowtype: readonly object[]; readonly rowset: readonly (readonly (string | null)[])[] }>
  >;
  /** So many downloads of chunks find nothing. */
  readonly dropChunks?: number;
}

export class TestSnowflake implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #start: () => Promise<ChildProcess>;
  #guard: ChildProcess;

  private constructor(url: string, folder: string, start: () => Promise<ChildProcess>, guard: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#start = start;
    this.#guard = guard;
  }

  static async start(): Promise<TestSnowflake> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-snowflake-'));
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
    await writeFile(join(folder, 'key.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await writeFile(join(folder, 'key.pem'), privateKey.export(pkcs8));
    const encrypted = privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: PASSPHRASE });
    await writeFile(join(folder, 'encrypted.pem'), encrypted);
    const port = await freePort();
    const start = () =>
      guarded(
        [
          'python3',
          '-m',
          'uvicorn',
          '--app-dir',
          import.meta.dirname,
          '--log-level',
          'warning',
          '--port',
          String(port),
          'snowflake-bridge:app',
        ],
        {
          log: join(folder, 'log'),
          cwd: folder,
          env: {
            PYTHONPATH: TOOLS,
            PYTHONDONTWRITEBYTECODE: '1',
            BRIDGE_PASSWORD: PASSWORD,
            BRIDGE_TOKEN: TOKEN,
            BRIDGE_PUBLIC_KEY: join(folder, 'key.pub'),
          },
        },
      );
    const server = new TestSnowflake(`http://127.0.0.1:${port}`, folder, start, await start());
    await server.#becomeReady();
    return server;
  }

  /** The SNOWFLAKE_* variables of somebody who logs in with a password, or so. */
  environment(how: 'password' | 'key' | 'encrypted-key' | 'oauth' | 'pat' = 'password'): Record<string, string> {
    const base = {
      SNOWFLAKE_ACCOUNT: 'fakesnow',
      SNOWFLAKE_USER: 'nightreel',
      SNOWFLAKE_ACCESS_URL: this.url,
      SNOWFLAKE_DATABASE: 'NIGHTREEL',
      SNOWFLAKE_SCHEMA: 'PUBLIC',
    };
    switch (how) {
      case 'password':
        return { ...base, SNOWFLAKE_PASSWORD: PASSWORD };
      case 'key':
        return { ...base, SNOWFLAKE_PRIVATE_KEY_PATH: join(this.#folder, 'key.pem') };
      case 'encrypted-key': {
        const path = join(this.#folder, 'encrypted.pem');
        return { ...base, SNOWFLAKE_PRIVATE_KEY_PATH: path, SNOWFLAKE_PRIVATE_KEY_PASSPHRASE: PASSPHRASE };
      }
      case 'oauth':
        return { ...base, SNOWFLAKE_TOKEN: TOKEN };
      case 'pat':
        return { ...base, SNOWFLAKE_TOKEN: TOKEN, SNOWFLAKE_AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN' };
    }
  }

  /** Runs statements in one session, one after another; the database and schema are made when they are not there. */
  async run(...statements: readonly (string | readonly [sql: string, ...binds: string[]])[]): Promise<void> {
    const driver = await snowflakeDriver();
    const connection = driver.createConnection({
      account: 'fakesnow',
      username: 'nightreel',
      password: PASSWORD,
      accessUrl: this.url,
      database: 'NIGHTREEL',
      schema: 'PUBLIC',
      disableQueryContextCache: true,
    });
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error ? reject(error) : resolve()));
    });
    for (const statement of statements) {
      const [sqlText, ...binds] = typeof statement === 'string' ? [statement] : statement;
      await execute(connection, sqlText, binds);
    }
    await new Promise<void>((done) => connection.destroy(() => done()));
  }

  async control(faults: SnowflakeFaults): Promise<void> {
    await fetch(`${this.url}/control`, { method: 'POST', body: JSON.stringify(faults) });
  }

  async kill(): Promise<void> {
    await endGuarded(this.#guard);
  }

  /** On the same port, without the data. */
  async restart(): Promise<void> {
    this.#guard = await this.#start();
    await this.#becomeReady();
  }

  async #becomeReady(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        await fetch(`${this.url}/control`, { method: 'POST', body: '{}' });
        return;
      } catch (error) {
        if (Date.now() < deadline && this.#guard.exitCode === null) {
          await sleep(100);
          continue;
        }
        const log = await readFile(join(this.#folder, 'log'), 'utf8').catch(() => '');
        throw new Error(`fakesnow does not start:\n${log}`, { cause: error });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endGuarded(this.#guard);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function execute(connection: Connection, sqlText: string, binds: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.execute({ sqlText, binds: [...binds], complete: (error) => (error ? reject(error) : resolve()) });
  await promise;
}
