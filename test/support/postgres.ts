/** A real PostgreSQL for tests, on a free port with data of its own; gone when the test is. */

import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { endGuarded, freePort, guarded } from './guarded.ts';

const run = promisify(execFile);
const OWNER = { user: 'nightreel', password: 'nightreel test' };
const READY_WITHIN_MS = 30_000;
/** Debian keeps the programs of each version off PATH. */
const DEBIAN = '/usr/lib/postgresql';

function programs(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).filter((name) => /^\d+$/.test(name)) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? '' : `${DEBIAN}/${newest}/bin/`;
}

/** The server refuses to run as root: then it runs as the system's `postgres`, or as `nobody`. */
async function runAs(): Promise<{ readonly prefix: readonly string[]; readonly uid: number | null }> {
  if (process.getuid?.() !== 0) return { prefix: [], uid: null };
  const passwd = await readFile('/etc/passwd', 'utf8');
  const [, uid = '65534', gid = '65534'] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  return { prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'], uid: Number(uid) };
}

export class TestPostgres implements AsyncDisposable {
  /** Connection string of a user who owns the database. */
  readonly url: string;
  readonly #folder: string;
  readonly #command: readonly [string, ...string[]];
  #guard: ChildProcess;

  private constructor(url: string, folder: string, command: readonly [string, ...string[]], guard: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#command = command;
    this.#guard = guard;
  }

  static async start({ user, password: secret } = OWNER): Promise<TestPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-postgres-'));
    const { prefix, uid } = await runAs();
    const password = join(folder, 'password');
    await writeFile(password, secret);
    if (uid !== null) for (const path of [folder, password]) await chown(path, uid, -1);
    const [first = '', ...rest] = [...prefix, `${programs()}initdb`];
    const data = join(folder, 'data');
    await run(
      first,
      [
        ...rest,
        `--pgdata=${data}`,
        `--username=${user}`,
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
      ],
      { cwd: folder },
    );
    const port = await freePort();
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      max_connections: 50,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = [...prefix, `${programs()}postgres`, '-D', data, ...options] as [string, ...string[]];
    const guard = await guarded(command, { log: join(folder, 'log'), cwd: folder });
    const url = `postgres://${user}:${encodeURIComponent(secret)}@127.0.0.1:${port}/postgres`;
    const server = new TestPostgres(url, folder, command, guard);
    await server.#becomeReady();
    return server;
  }

  /** Runs statements, one after another. */
  async run(...statements: string[]): Promise<void> {
    await using client = await this.connect();
    for (const statement of statements) await client.query(statement);
  }

  /** A client of its own; ends with its scope. */
  async connect(): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({ connectionString: this.url });
    // Tests kill the server under open connections.
    client.on('error', () => undefined);
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => undefined) });
  }

  /** As a crash does it: every process of the server at once. */
  async kill(): Promise<void> {
    const [pid = ''] = (await readFile(join(this.#folder, 'data/postmaster.pid'), 'utf8')).split('\n');
    await run('pkill', ['-KILL', '-P', pid]).catch(() => undefined);
    await endGuarded(this.#guard);
  }

  /** The same server on the same port and data. */
  async restart(): Promise<void> {
    this.#guard = await guarded(this.#command, { log: join(this.#folder, 'log'), cwd: this.#folder });
    await this.#becomeReady();
  }

  async #becomeReady(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        await this.run('SELECT 1');
        return;
      } catch (error) {
        if (Date.now() < deadline && this.#guard.exitCode === null) {
          await sleep(50);
          continue;
        }
        const log = await readFile(join(this.#folder, 'log'), 'utf8').catch(() => '');
        throw new Error(`PostgreSQL does not start:\n${log}`, { cause: error });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endGuarded(this.#guard);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
