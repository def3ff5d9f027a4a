/** A real S3 server for tests: one SeaweedFS on free ports, in a temporary folder, gone when the test is. */

import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { endGuarded, guarded, isFree } from './guarded.ts';

const BUCKET = 'nightreel-test';
export const TEST_CREDENTIALS = { accessKeyId: 'nightreel-test-key', secretAccessKey: 'nightreel-test-secret' };
/** Of somebody who may read and write, and not list. */
export const BLIND_CREDENTIALS = { accessKeyId: 'nightreel-blind-key', secretAccessKey: 'nightreel-blind-secret' };
/** Below the ports that the kernel hands out, as are the gRPC ports 10,000 above. */
const PORTS = { from: 12_000, to: 22_000 } as const;
const START_ATTEMPTS = 5;
const READY_WITHIN_MS = 20_000;

export class TestS3 implements AsyncDisposable {
  readonly bucket = BUCKET;
  readonly endpoint: string;
  /** Where `videos/` and the reports can be read without credentials. */
  readonly publicBaseUrl: string;
  private readonly guard: ChildProcess;
  private readonly folder: string;

  private constructor(guard: ChildProcess, folder: string, endpoint: string) {
    this.guard = guard;
    this.folder = folder;
    this.endpoint = endpoint;
    this.publicBaseUrl = `${endpoint}/${BUCKET}`;
  }

  /** @param more identities and policies, as SeaweedFS's own file has them. */
  static async start(more: MoreIdentities = {}): Promise<TestS3> {
    for (let attempt = 1; ; attempt += 1) {
      const folder = await mkdtemp(join(tmpdir(), 'nightreel-s3-'));
      const ports = await freePorts(4);
      const guard = await launch(folder, ports, more);
      const server = new TestS3(guard, folder, `http://127.0.0.1:${ports.s3}`);
      try {
        await server.becomeReady();
        return server;
      } catch (error) {
        const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
        await server[Symbol.asyncDispose]();
        if (attempt === START_ATTEMPTS) throw new Error(`SeaweedFS does not start:\n${log}`, { cause: error });
      }
    }
  }

  clientConfig(over: S3ClientConfig = {}): S3ClientConfig {
    return { endpoint: this.endpoint, region: 'us-east-1', credentials: TEST_CREDENTIALS, ...over };
  }

  /** A store on the server's bucket. */
  store(over: S3ClientConfig = {}): ObjectStore {
    return new ObjectStore({
      clientConfig: this.clientConfig(over),
      bucket: BUCKET,
      publicBaseUrl: this.publicBaseUrl,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endGuarded(this.guard);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async becomeReady(): Promise<void> {
    using store = this.store({ maxAttempts: 1 });
    const deadline = Date.now() + READY_WITHIN_MS;
    while (true) {
      if (this.guard.exitCode !== null) throw new Error('it ended');
      try {
        await store.put('state/ready.json', '{}', { contentType: 'application/json' });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }
}

export interface MoreIdentities {
  readonly identities?: readonly unknown[];
  readonly policies?: readonly { readonly name: string; readonly content: string }[];
}

type Ports = Readonly<Record<'master' | 'volume' | 'filer' | 's3' | 'admin', number>>;

async function launch(folder: string, ports: Ports, more: MoreIdentities): Promise<ChildProcess> {
  const config = join(folder, 's3.json');
  await writeFile(
    config,
    JSON.stringify({
      identities: [
        {
          name: 'nightreel',
          credentials: [{ accessKey: TEST_CREDENTIALS.accessKeyId, secretKey: TEST_CREDENTIALS.secretAccessKey }],
          actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
        },
        {
          name: 'blind',
          credentials: [{ accessKey: BLIND_CREDENTIALS.accessKeyId, secretKey: BLIND_CREDENTIALS.secretAccessKey }],
          actions: ['Read', 'Write'],
        },
        { name: 'anonymous', actions: [`Read:${BUCKET}/videos/*`, `Read:${BUCKET}/batches/*/report.html`] },
        ...(more.identities ?? []),
      ],
      policies: more.policies ?? [],
    }),
  );
  const args = [
    'mini',
    `-dir=${folder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    `-bucket=${BUCKET}`,
    `-s3.config=${config}`,
    `-s3.localSocket=${join(folder, 's3.sock')}`,
    `-filer.localSocket=${join(folder, 'filer.sock')}`,
    '-s3.autoCreateBucket=false',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-admin.ui=false',
    '-webdav=false',
    '-volume.max=20',
    '-master.telemetry=false',
    ...Object.entries(ports).flatMap(([name, port]) => [
      `-${name}.port=${port}`,
      `-${name}.port.grpc=${port + 10_000}`,
    ]),
  ];
  return await guarded([weedPath(), ...args], { log: join(folder, 'log'), cwd: folder });
}

function weedPath(): string {
  const own = join(import.meta.dirname, '../../.tools/bin/weed');
  return existsSync(own) ? own : 'weed';
}

async function freePorts(attempts: number): Promise<Ports> {
  const base = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from - 5));
  const free = await Promise.all([0, 1, 2, 3, 4].flatMap((n) => [isFree(base + n), isFree(base + n + 10_000)]));
  if (free.every(Boolean)) return { master: base, volume: base + 1, filer: base + 2, s3: base + 3, admin: base + 4 };
  if (attempts === 0) throw new Error('no free ports');
  return await freePorts(attempts - 1);
}
