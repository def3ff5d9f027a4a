/**
 * The services of docker-compose.yml as processes of this machine: their commands, in their order, with their environment. Other than in
 * containers: names of hosts are 127.0.0.1, ports are free ones, and folders lie in a temporary one.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findServerBinaries } from '../../src/config/server-binaries.ts';
import { assertAccepts, PortChooser } from '../../src/stack/ports.ts';
import { TestCollector } from './collector.ts';
import { type Compose, type ComposeService, ROOT } from './compose.ts';
import { canConfine, confined } from './confined.ts';
import { commandOf, DOCKERFILE, makeImage } from './dockerfile.ts';
import { endGuarded, guarded } from './guarded.ts';
import { until } from './nightreel.ts';
import { TestPostgres } from './postgres.ts';

const MINUTE = 60_000;
/** A port each, of which every worker process of a machine needs its own. */
const WORKER_PORTS = ['OTEL_EXPORTER_PROMETHEUS_PORT', 'NIGHTREEL_TEMPORAL_METRICS_PORT', 'NIGHTREEL_HEALTH_ADDRESS'];

/** Where `npm run test:compose` puts Temporal's server, its schema and the tool that applies it. */
export const TEMPORAL_SERVER = join(ROOT, '.tools/temporal-server');

export interface ComposeProcessesOptions {
  readonly compose: Compose;
  /** False: the development server of Temporal's CLI, in place of `temporal` and of what stands below it. */
  readonly isTemporalOnPostgres: boolean;
}

interface Ports {
  readonly temporal: number;
  readonly seaweedfs: number;
}

export class ComposeProcesses implements AsyncDisposable {
  readonly collector: TestCollector;
  /** Whether workers run as the image's user, on a file system that is read-only. */
  readonly isConfined: boolean;
  private readonly folder: string;
  private readonly image: string;
  private readonly options: ComposeProcessesOptions;
  private readonly chooser: PortChooser;
  private readonly ports: Ports;
  private readonly dockerfile: string;
  private readonly databases = new Map<string, TestPostgres>();
  private readonly servers: ChildProcess[] = [];
  private readonly workers: ChildProcess[] = [];

  private constructor(
    options: ComposeProcessesOptions,
    folder: string,
    rest: { collector: TestCollector; chooser: PortChooser; ports: Ports; dockerfile: string },
  ) {
    this.options = options;
    this.folder = folder;
    this.image = join(folder, 'nightreel');
    this.collector = rest.collector;
    this.chooser = rest.chooser;
    this.ports = rest.ports;
    this.dockerfile = rest.dockerfile;
    this.isConfined = canConfine(ROOT);
  }

  /** Starts what `docker compose up` would, one after the other, and returns when the workers are healthy. */
  static async up(options: ComposeProcessesOptions): Promise<ComposeProcesses> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-compose-'));
    await chmod(folder, 0o755);
    const chooser = new PortChooser();
    const processes = new ComposeProcesses(options, folder, {
      chooser,
      collector: await TestCollector.start(),
      ports: { temporal: await chooser.choose(), seaweedfs: await chooser.choose() },
      dockerfile: await readFile(DOCKERFILE, 'utf8'),
    });
    try {
      await processes.prepare();
      for (const name of processes.inOrder()) await processes.start(name);
      return processes;
    } catch (error) {
      await processes[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `docker compose exec orchestrator …`: what it printed. */
  async exec(name: string, command: readonly string[]): Promise<string> {
    const [program = '', ...args] = this.within(this.environmentOf(name), command);
    const { stdout } = await promisify(execFile)(program, args, { cwd: this.image, timeout: 5 * MINUTE });
    return stdout;
  }

  /** The command of its health check, as a container would run it. */
  private async isHealthy(name: string): Promise<boolean> {
    const [kind, ...command] = this.service(name).healthcheck?.test ?? [];
    if (kind !== 'CMD') throw new Error(`${name} has no command that checks its health`);
    return await this.exec(name, command).then(
      () => true,
      () => false,
    );
  }

  /** Needed ones first; without those that nothing here waits for. */
  private inOrder(): string[] {
    const { services } = this.options.compose;
    const order: string[] = [];
    const visit = (name: string): void => {
      if (order.includes(name)) return;
      for (const needed of Object.keys(services[name]?.depends_on ?? {})) visit(needed);
      order.push(name);
    };
    for (const name of ['orchestrator', 'render']) visit(name);
    return order;
  }

  private async start(name: string): Promise<void> {
    const one = this.service(name);
    if (one.image.startsWith('postgres:')) {
      const { POSTGRES_USER: user = '', POSTGRES_PASSWORD: password = '', POSTGRES_DB: database } = one.environment;
      const postgres = await TestPostgres.start({ user, password });
      this.databases.set(name, postgres);
      if (database !== undefined) await postgres.run(`CREATE DATABASE ${database}`);
      return;
    }
    if (name === 'temporal') return await this.startTemporal(one);
    if (name === 'temporal-schema') {
      if (!this.options.isTemporalOnPostgres) return;
      // It runs at every `docker compose up`.
      await this.once(name);
      return await this.once(name);
    }
    if (name === 'seaweedfs') return await this.startSeaweed(one);
    if (one.restart?.startsWith('on-failure') === true) return await this.once(name);
    await this.startWorker(name);
  }

  private async startTemporal(one: ComposeService): Promise<void> {
    const { temporal: port } = this.ports;
    const internal = ['FRONTEND_HTTP', 'HISTORY_GRPC', 'MATCHING_GRPC', 'WORKER_GRPC'];
    const membership = ['FRONTEND', 'HISTORY', 'MATCHING', 'WORKER'].map((role) => `${role}_MEMBERSHIP`);
    const own = { HOME: this.folder, FRONTEND_GRPC_PORT: String(port) };
    const environment: Record<string, string> = { ...this.environmentOf('temporal'), ...own };
    for (const each of [...internal, ...membership]) environment[`${each}_PORT`] = String(await this.chooser.choose());
    environment['PROMETHEUS_ENDPOINT'] = `127.0.0.1:${await this.chooser.choose()}`;
    const dynamic = one.volumes.find((volume) => volume.includes('/dynamic.yml:'))?.split(':')[0] ?? '';
    environment['DYNAMIC_CONFIG_FILE_PATH'] = join(ROOT, dynamic);
    const command = this.options.isTemporalOnPostgres
      ? ['temporal-server', 'start']
      : [
          'temporal',
          'server',
          'start-dev',
          '--headless',
          '--ip',
          '127.0.0.1',
          '--port',
          String(port),
          '--disable-config-file',
        ];
    await this.serve('temporal', this.clean(environment, command));
    const listens = () =>
      assertAccepts(port).then(
        () => true,
        () => null,
      );
    await until(listens, 'Temporal to listen');
  }

  private async startSeaweed(one: ComposeService): Promise<void> {
    const s3 = this.ports.seaweedfs;
    const admin = await this.chooser.choose([], [10_000]);
    const flags = [`-s3.port=${s3}`, `-s3.port.grpc=${await this.chooser.choose()}`];
    flags.push(`-admin.port=${admin}`, `-admin.port.grpc=${admin + 10_000}`);
    for (const part of ['master', 'volume', 'filer'])
      flags.push(`-${part}.port=${await this.chooser.choose()}`, `-${part}.port.grpc=${await this.chooser.choose()}`);
    const script = (one.command[0] ?? '').trimEnd();
    const here = script
      .replaceAll('/tmp/s3.json', join(this.folder, 's3.json'))
      .replace('-dir=/data', `-dir=${join(this.folder, 'objects')}`)
      .replace('-ip=seaweedfs', '-ip=127.0.0.1')
      .replace('-ip.bind=0.0.0.0', '-ip.bind=127.0.0.1');
    const command = [...(one.entrypoint ?? []), `${here} ${flags.join(' ')}`];
    await this.serve('seaweedfs', this.clean(this.environmentOf('seaweedfs'), command));
    const health = one.healthcheck?.test.at(-1)?.replace(':8333', `:${s3}`) ?? '';
    await until(async () => ((await fetch(health).catch(() => null))?.ok ? true : null), 'SeaweedFS to be healthy');
  }

  private async once(name: string): Promise<void> {
    const command = this.commandLine(name);
    const isOurs = this.service(name).build !== undefined;
    const environment = this.environmentOf(name);
    // The folder .nightreel of warehouse-data is a volume, and not in memory.
    const [program = '', ...args] =
      isOurs && name !== 'warehouse-data' ? this.within(environment, command) : this.clean(environment, command);
    const attempts = Number(/:(\d+)$/.exec(this.service(name).restart ?? '')?.[1] ?? 1);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await promisify(execFile)(program, args, { cwd: this.image, timeout: 2 * MINUTE });
        return;
      } catch (error) {
        if (attempt > attempts) throw error;
        // As Docker does.
        await sleep(100 * 2 ** attempt);
      }
    }
  }

  private async startWorker(name: string): Promise<void> {
    const [program = '', ...args] = this.within(this.environmentOf(name), this.commandLine(name));
    const worker = spawn(program, args, { cwd: this.image, stdio: ['ignore', 'pipe', 'inherit'] });
    void pipeline(worker.stdout, createWriteStream(join(this.folder, `${name}.log`))).catch(() => undefined);
    this.workers.push(worker);
    await until(
      async () => {
        if (worker.exitCode !== null) throw new Error(`${name} ended: ${await this.logOf(name)}`);
        return (await this.isHealthy(name)) || null;
      },
      `${name} to be healthy`,
      2 * MINUTE,
    );
  }

  /** What the worker of this service says. */
  async logOf(name: string): Promise<string> {
    return await readFile(join(this.folder, `${name}.log`), 'utf8');
  }

  private service(name: string): ComposeService {
    const one = this.options.compose.services[name];
    if (one === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return one;
  }

  private commandLine(name: string): string[] {
    const { build, entrypoint, command } = this.service(name);
    const own = build === undefined ? [] : commandOf(this.dockerfile, build.target);
    if (entrypoint !== undefined) return [...entrypoint, ...command.map((text) => this.here(text))];
    return command.length === 0 ? own : [...own.slice(0, 1), ...command];
  }

  private readonly workerPorts = new Map<string, string>();

  private environmentOf(name: string): Record<string, string> {
    const own: Record<string, string> = {};
    for (const [variable, value] of Object.entries(this.service(name).environment)) {
      own[variable] = WORKER_PORTS.includes(variable)
        ? (this.workerPorts.get(`${name} ${variable}`) ?? value)
        : this.here(value);
    }
    const database = this.databases.get('temporal-db');
    if (database !== undefined) {
      const { port } = new URL(database.url);
      for (const variable of ['SQL_PORT', 'DB_PORT']) if (variable in own) own[variable] = port;
    }
    return own;
  }

  /** A text with the places of this machine. */
  private here(text: string): string {
    const { temporal, seaweedfs } = this.ports;
    const warehouse = this.databases.get('warehouse');
    const places: readonly (readonly [string, string])[] = [
      ['temporal:7233', `127.0.0.1:${temporal}`],
      ['seaweedfs:8333', `127.0.0.1:${seaweedfs}`],
      ['localhost:8333', `127.0.0.1:${seaweedfs}`],
      ['http://collector:4318', this.collector.endpoint],
      ['warehouse:5432', warehouse === undefined ? 'warehouse:5432' : new URL(warehouse.url).host],
      ['/etc/temporal/schema', join(TEMPORAL_SERVER, 'schema')],
    ];
    const there = places.reduce((before, [from, to]) => before.replaceAll(from, to), text);
    return there === 'temporal-db' || there === '0.0.0.0' ? '127.0.0.1' : there;
  }

  /** With nothing of this process's environment. */
  private clean(environment: Readonly<Record<string, string>>, command: readonly string[]): [string, ...string[]] {
    const path = `${join(this.folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`;
    const variables = Object.entries({ PATH: path, HOME: this.image, ...environment });
    return ['env', '-i', ...variables.map(([name, value]) => `${name}=${value}`), ...command];
  }

  /** As in a container of the image, as far as this user may. */
  private within(environment: Readonly<Record<string, string>>, command: readonly string[]): [string, ...string[]] {
    const clean = this.clean(environment, command);
    if (!this.isConfined) return clean;
    return confined(this.image, clean);
  }

  private async serve(name: string, command: [string, ...string[]]): Promise<void> {
    this.servers.push(await guarded(command, { log: join(this.folder, `${name}.log`), cwd: this.folder }));
  }

  private async prepare(): Promise<void> {
    await mkdir(join(this.folder, 'bin'));
    await mkdir(join(this.folder, 'objects'));
    const { temporal, weed } = findServerBinaries();
    const programs = { temporal, weed, node: process.execPath };
    for (const [name, path] of Object.entries(programs)) await symlink(path, join(this.folder, 'bin', name));
    if (this.options.isTemporalOnPostgres)
      for (const name of ['temporal-server', 'temporal-sql-tool'])
        await symlink(join(TEMPORAL_SERVER, name), join(this.folder, 'bin', name));
    await makeImage(this.image);
    await mkdir(join(this.image, '.nightreel'));
    await cp(join(ROOT, 'dist'), join(this.image, 'dist'), { recursive: true });
    for (const volume of this.service('orchestrator').volumes) {
      const [source = '', target = ''] = volume.split(':');
      const inside = join(this.image, target.replace('/nightreel/', ''));
      await rm(inside, { recursive: true });
      await cp(join(ROOT, source), inside, { recursive: true });
    }
    for (const name of ['orchestrator', 'render'])
      for (const variable of WORKER_PORTS)
        this.workerPorts.set(`${name} ${variable}`, String(await this.chooser.choose()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) worker.kill('SIGTERM');
    for (const worker of this.workers)
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
    for (const server of this.servers) await endGuarded(server);
    for (const database of this.databases.values()) await database[Symbol.asyncDispose]();
    await this.collector[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
