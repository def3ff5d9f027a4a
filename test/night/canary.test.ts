/**
 * A night that fails in many ways, with secrets in every variable that may hold one and people whose names are found again anywhere:
 * neither is found in anything that the night leaves, but for the bucket and the warehouse.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stackHome } from '../../src/stack/home.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import { TestCollector } from '../support/collector.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';
import { TestPostgres } from '../support/postgres.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { Search } from '../support/search.ts';
import { TestWebhook } from '../support/webhook.ts';

const MINUTE = 60_000;
const PROJECT = join(import.meta.dirname, '../fixtures/canary');

const secret = (what: string): string => `kanary-${what}/8Qz+2`;
const DEEDS = ['render', 'throw', 'reject', 'log', 'store', 'fetch', 'navigate', 'hide', 'stall', 'pointer'] as const;
/** One for each way to fail: nobody else has any of their words. */
const PEOPLE = DEEDS.map((does, at) => ({
  does: does === 'pointer' ? 'render' : does,
  refused: does === 'pointer',
  id: `member-${at}-zwq@Quillfeather${at}.example`,
  first: `Zëphyrine${at}`,
  last: `O'Quill<b>${at}&Feather`,
  email: `zephyrine.kx${at}@inbox.example`,
  account: 7_304_419_280 + at,
}));

const PERSONAL = Object.fromEntries(
  PEOPLE.flatMap(({ id, first, last, email, account, does }, at) => {
    const who = `person ${at}, who ${does}s`;
    return [
      [`ID of ${who}`, id],
      [`first name of ${who}`, first],
      [`last name of ${who}`, last],
      [`address of ${who}`, email],
      [`number of ${who}`, String(account)],
      [`number of ${who}, in groups`, account.toLocaleString('en')],
    ];
  }),
);

/** By the name of the variable. Those of S3 are the store's own. */
const SECRETS: Record<string, string> = Object.fromEntries(
  [
    ...['NIGHTREEL_SLACK_WEBHOOK', 'NIGHTREEL_WEBHOOK', 'NIGHTREEL_WEBHOOK_SECRET', 'NIGHTREEL_METRICS_TOKEN'],
    ...['TEMPORAL_API_KEY', 'TEMPORAL_GRPC_META_X_TEAM', 'AWS_SECRET_ACCESS_KEY', 'SNOWFLAKE_PASSWORD'],
    ...['SNOWFLAKE_PRIVATE_KEY_PASSPHRASE', 'SNOWFLAKE_TOKEN', 'PGPASSWORD', 'CANARY_POSTGRES_URL'],
    ...['CANARY_WRONG_URL', 'CANARY_KEYWORDS_URL', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ].map((name) => [name, secret(name.toLowerCase())]),
);
const quoted = (name: string): string => encodeURIComponent(SECRETS[name] ?? '');

let home: TestHome;
let postgres: TestPostgres;
let probe: NightProbe;
let collector: TestCollector;
let webhook: TestWebhook;
let proxy: S3Proxy;
let work: string;
let variables: Record<string, string>;
let ports: { metrics: number; temporal: number };
const cleanUp = new AsyncDisposableStack();

beforeAll(async () => {
  home = await TestHome.create(PROJECT);
  cleanUp.defer(() => home.end());
  work = await mkdtemp(join(tmpdir(), 'canary-'));
  cleanUp.defer(() => rm(work, { recursive: true, force: true }));
  postgres = cleanUp.use(await TestPostgres.start());
  collector = cleanUp.use(await TestCollector.start());
  webhook = cleanUp.use(await TestWebhook.start());
  webhook.answers = [403];
  await fillWarehouse();
  const { AWS_SECRET_ACCESS_KEY: _, ...noStore } = SECRETS;
  const started = await home.run(['up'], { NIGHTREEL_WEBHOOK_SECRET: noStore['NIGHTREEL_WEBHOOK_SECRET'] ?? '' });
  expect(started.code).toBe(0);
  probe = await NightProbe.connect(home);
  cleanUp.defer(() => probe.close());
  proxy = cleanUp.use(await S3Proxy.start({ endpoint: probe.storeVariables['AWS_ENDPOINT_URL_S3'] ?? '' }, refusing));
  SECRETS['AWS_SECRET_ACCESS_KEY'] = probe.storeVariables['AWS_SECRET_ACCESS_KEY'] ?? '';
  const chooser = new PortChooser();
  ports = { metrics: await chooser.choose(), temporal: await chooser.choose() };
  variables = await variablesOf();
}, 2 * MINUTE);

afterAll(async () => await cleanUp[Symbol.asyncDispose](), MINUTE);

async function fillWarehouse(): Promise<void> {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const rows = PEOPLE.map(
    ({ id, first, last, email, account, does }) =>
      `(${text(id)}, now() - interval '2 hours', ${text(`${first} ${last}`)}, ${text(email)}, ${account}, ${text(does)})`,
  );
  const [invalid] = PEOPLE;
  await postgres.run(
    'CREATE TABLE people (id text, at timestamptz, name text, email text, account bigint, does text)',
    `INSERT INTO people VALUES ${rows.join(', ')}`,
    // Params that the template's schema refuses.
    `INSERT INTO people VALUES (${text(`x${invalid?.id}`)}, now() - interval '2 hours', NULL, ${text(invalid?.email ?? '')}, -1, ${text(invalid?.first ?? '')})`,
    'CREATE VIEW torn AS SELECT id, at, name, email, CAST(name AS bigint) AS account, does FROM people',
    `CREATE ROLE canary LOGIN PASSWORD ${text(SECRETS['CANARY_POSTGRES_URL'] ?? '')}`,
    'GRANT SELECT ON people, torn TO canary',
  );
}

/** As AWS words it: with the key. */
const refusing: Parameters<typeof S3Proxy.start>[1] = (request, answer) => {
  const who = PEOPLE.find(({ refused }) => refused)?.id ?? 'nobody';
  const [readable = ''] = who.split('@');
  if (request.method !== 'PUT' || !request.url?.includes(`/users/${readable}`)) return false;
  answer.writeHead(403, { 'content-type': 'application/xml' });
  answer.end(
    `<Error><Code>AccessDenied</Code><Message>User is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::nightreel/users/${who}.json</Message></Error>`,
  );
  return true;
};

async function variablesOf(): Promise<Record<string, string>> {
  const database = new URL(postgres.url);
  const postgresUrl = (name: string) => `postgres://canary:${quoted(name)}@${database.host}/postgres`;
  const ffmpeg = join(work, 'ffmpeg');
  // Fails once, and says all that it knows; keeps what it was started with.
  await writeFile(
    ffmpeg,
    `#!/bin/bash\n{ env; echo "$@"; } >> ${work}/ffmpeg.txt\nif rm ${work}/fail 2>/dev/null; then env >&2; exit 1; fi\nexec ffmpeg "$@"\n`,
  );
  await chmod(ffmpeg, 0o755);
  const { AWS_SECRET_ACCESS_KEY: __, ...own } = SECRETS;
  return {
    ...own,
    ...probe.storeVariables,
    ...{ AWS_ENDPOINT_URL_S3: proxy.endpoint, AWS_REGION: 'us-east-1' },
    ...{ TEMPORAL_ADDRESS: probe.temporalAddress, TEMPORAL_TLS: 'false' },
    NIGHTREEL_SLACK_WEBHOOK: webhook.url(`/slack/${quoted('NIGHTREEL_SLACK_WEBHOOK')}`),
    NIGHTREEL_WEBHOOK: webhook.url(`/own?key=${quoted('NIGHTREEL_WEBHOOK')}`),
    CANARY_POSTGRES_URL: postgresUrl('CANARY_POSTGRES_URL'),
    CANARY_WRONG_URL: postgresUrl('CANARY_WRONG_URL'),
    CANARY_KEYWORDS_URL: `host=${database.hostname} password=${SECRETS['CANARY_KEYWORDS_URL']}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint.replace('//', `//me:${quoted('OTEL_EXPORTER_OTLP_ENDPOINT')}@`),
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${quoted('OTEL_EXPORTER_OTLP_HEADERS')}`,
    ...{ OTEL_METRICS_EXPORTER: 'otlp,prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(ports.metrics) },
    NIGHTREEL_TEMPORAL_METRICS_PORT: String(ports.temporal),
    ...{ NIGHTREEL_LOG_LEVEL: 'trace', NIGHTREEL_FFMPEG: ffmpeg, NIGHTREEL_ROLLOUT: 'off' },
  };
}

/** What a place holds, by name. */
type Found = ReadonlyMap<string, Uint8Array>;

const texts = (entries: Iterable<readonly [string, string]>): Found =>
  new Map([...entries].map(([name, text]) => [name, Buffer.from(text)]));

async function filesIn(folder: string, isWanted: (path: string) => boolean = () => true): Promise<Found> {
  const found = new Map<string, Uint8Array>();
  const recursive = folder !== tmpdir();
  for (const entry of await readdir(folder, { recursive, withFileTypes: true }).catch(() => [])) {
    const path = join(entry.parentPath, entry.name);
    if (!isWanted(path)) continue;
    // Names of files say something, too.
    found.set(`name of ${path}`, Buffer.from(path));
    if (entry.isFile()) found.set(path, await readFile(path).catch(() => Buffer.alloc(0)));
  }
  return found;
}

/** Programs that the workers started, as /proc shows them. */
class Children {
  readonly seen = new Map<string, string>();
  /** Those whose crash would dump memory. */
  readonly dumping: string[] = [];
  private readonly over = new AbortController();
  private readonly looking: Promise<void>;

  constructor() {
    this.looking = this.look();
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.looking;
  }

  private async look(): Promise<void> {
    while (!this.over.signal.aborted) {
      for (const [pid, command] of await home.processes()) {
        const [environment, filter] = ['environ', 'coredump_filter'].map((name) => textOf(`/proc/${pid}/${name}`));
        const isOwn = /src\/cli\/main\.ts|bin\/nightreel|bin\/bash/.test(command);
        if (!/seaweedfs|temporal/.test(command) && !isOwn && filter !== undefined && Number.parseInt(filter, 16) > 0)
          this.dumping.push(command);
        // A worker has its own secrets in its environment: where else should they be.
        this.seen.set(`${command.slice(0, 300)} (${pid})`, isOwn ? command : `${command}\n${environment}`);
      }
      await new Promise((wait) => setTimeout(wait, 200));
    }
  }
}

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

class LoggedWorker {
  text = '';
  private readonly child: ChildProcess;

  constructor() {
    // As generous with dumps as a machine may be.
    const within = ['/bin/bash', '-c', 'ulimit -c unlimited; exec "$@"', 'bash'];
    this.child = home.start(['serve', '--workers', '2'], variables, within);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString('utf8');
      });
  }

  async ready(): Promise<void> {
    await until(async () => {
      if (this.child.exitCode !== null) throw new Error(this.text);
      return this.text.includes('worker started') ? true : null;
    }, 'a worker');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill(signal);
    await ended;
  }
}

/** Prefixes under which docs/life-of-data.md says that people stand. */
const PEOPLE_IN_BUCKET =
  /^(users|inputs|results|state)\/|^batches\/[^/]+\/[^/]+\/\d+\/(manifest\/|plan\.json|rejects\.jsonl|withdrawn)/;
/** Where the embedded store keeps the bucket, and its keys. */
const OF_STORE = /\/seaweedfs\//;
const KEYS_OF_STORE = /\/(stack\.json|seaweedfs\.json)$|\/seaweedfs\//;

test(
  'a failing night says nothing of its secrets and its people anywhere but in the bucket and the warehouse',
  async () => {
    const personal = new Search(PERSONAL);
    const secrets = new Search(SECRETS);
    const outputs = new Map<string, string>();
    const run = async (...args: string[]) => {
      const told = await home.run(args, variables);
      outputs.set(args.join(' '), `${told.stdout}\n${told.stderr}`);
      return told;
    };

    const worker = new LoggedWorker();
    await worker.ready();
    await writeFile(join(work, 'fail'), '');
    const children = new Children();
    const night = await run('run', 'people', '--json');
    await children.stop();
    const batchId = String(lastJson(night.stdout)['batchId']);
    const classes = (await probe.outcomesOf(batchId)).flatMap((one) =>
      one.outcome === 'failed' ? [one.failureClass] : [],
    );
    expect(existsSync(join(work, 'fail'))).toBe(false);
    expect((await run('run', 'torn', '--json')).stderr).toContain('(SqlError)');
    expect((await run('run', 'locked', '--json')).stderr).toContain('(WarehouseDenied)');
    expect((await run('run', 'keywords', '--json')).stderr).toContain('(EnvironmentInvalid)');

    const [failed] = await probe.failedVariants(batchId.split('/')[1] ?? '');
    for (const json of [[], ['--json']]) {
      await run('why', failed?.key ?? '', ...json);
      await run('status', ...json);
      await run('report', ...json);
      await run('digest', batchId, ...json);
      await run('history', 'people', ...json);
      await run('delta', 'people', ...json);
      await run('delta', 'locked', ...json);
    }
    await run('digest', batchId, '--post');
    await run('doctor', '--json', '--capture', 'screenshot');
    const authorization = `Bearer ${SECRETS['NIGHTREEL_METRICS_TOKEN']}`;
    const scraped = await Promise.all(
      Object.entries(ports).map(async ([name, port]) => {
        const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization } });
        return [name, await answer.text()] as const;
      }),
    );
    const details = await Promise.all(
      (await probe.workflowIds('')).map(
        async (id) =>
          [id, JSON.stringify(await probe.query(id, '__temporal_workflow_metadata').catch(String))] as const,
      ),
    );
    // A crash with everything that it knows in memory. What it left is tidied up by the next one.
    await worker.end('SIGSEGV');
    const next = new LoggedWorker();
    await next.ready();
    await next.end('SIGTERM');
    const folders = [tmpdir(), '/dev/shm'].flatMap((base) =>
      readdirSync(base)
        .filter((name) => /^(nightreel-[a-z]+-\d+$|\.org\.chromium)/.test(name))
        .map((name) => join(base, name)),
    );

    const places: Record<string, () => Promise<Found>> = {
      log: async () => texts([worker, next].map(({ text }, at) => [`worker ${at}`, text])),
      output: async () => texts(outputs),
      traces: async () => texts([['OTLP', collector.text('traces')]]),
      metrics: async () => texts([['OTLP', collector.text('metrics')], ...scraped]),
      webhook: async () => texts(webhook.posts.map(({ path, body }) => [path.slice(0, 5), body])),
      histories: async () => texts((await probe.histories()).map(({ id, text }) => [id, text])),
      'workflow IDs': async () => texts((await probe.workflowIds('')).map((id) => [id, id])),
      details: async () => texts(details),
      'Temporal database': () =>
        filesIn(home.folder, (path) => path.startsWith(stackHome(home.folder).temporalDatabase)),
      home: () => filesIn(home.folder, (path) => !path.startsWith(stackHome(home.folder).temporalDatabase)),
      children: async () => texts([...children.seen, ['ffmpeg', await readFile(join(work, 'ffmpeg.txt'), 'utf8')]]),
      'left-overs': async () => {
        const all = await Promise.all(folders.map((folder) => filesIn(folder)));
        return new Map(all.flatMap((found) => [...found]));
      },
      'crash dumps': () => filesIn(tmpdir(), (path) => /^\/tmp\/core(\.\d+)?$/.test(path)),
      bucket: async () => {
        const keys = await probe.keys('');
        return new Map(await Promise.all(keys.map(async (key) => [key, await probe.bytes(key)] as const)));
      },
    };
    const isAllowed = (place: string, name: string, kind: 'personal' | 'secret'): boolean => {
      if (place === 'bucket') return kind === 'personal' && PEOPLE_IN_BUCKET.test(name);
      return place === 'home' && (kind === 'personal' ? OF_STORE : KEYS_OF_STORE).test(name);
    };
    const findings = async (only?: string): Promise<string[]> => {
      const all: string[] = [];
      for (const [place, read] of Object.entries(places)) {
        if (only !== undefined && place !== only) continue;
        for (const [name, bytes] of await read()) {
          for (const [kind, search] of [
            ['personal', personal],
            ['secret', secrets],
          ] as const) {
            if (isAllowed(place, name, kind)) continue;
            all.push(...search.in(bytes).map((what) => `${place}: ${what} in ${name}`));
          }
        }
      }
      return all;
    };
    expect(await findings()).toEqual([]);
    expect(children.dumping).toEqual([]);
    for (const program of [/chromium/, /ffmpeg/]) expect([...children.seen.keys()].join('\n')).toMatch(program);
    for (const failureClass of ['TemplateCrashed', 'NetworkForbidden', 'OutputInvalid', 'TemplateNotReady'])
      expect(classes).toContain(failureClass);
    // The pointer that the store refused.
    expect(worker.text).toMatch(
      /the pointer with key sha256 .*StorageDenied|StorageDenied.*the pointer with key sha256/,
    );
    // People are where they should be, or nothing was looked for.
    const inBucket = [...((await places['bucket']?.()) ?? [])].flatMap(([, bytes]) => personal.in(bytes));
    expect(new Set(inBucket).size).toBeGreaterThan(PEOPLE.length);
    expect(webhook.posts.length).toBeGreaterThan(1);
    expect(worker.text).toContain('"level":"debug"');

    // The same search finds what is put there, in each kind of place.
    const [{ first, id } = { first: '', id: '' }] = PEOPLE;

    worker.text += `{"msg":"hello ${first}"}`;
    outputs.set('planted', Buffer.from(`for ${id}`).toString('base64'));
    await fetch(`${collector.endpoint}/v1/traces`, { method: 'POST', body: encodeURIComponent(first) });
    await fetch(`${collector.endpoint}/v1/metrics`, { method: 'POST', body: SECRETS['TEMPORAL_API_KEY'] ?? '' });
    await fetch(webhook.url('/x'), { method: 'POST', body: JSON.stringify({ first }) });
    await probe.startWorkflow('nightlyBatch', `batch/${first}`, { campaign: first });
    details.push(['planted', first.toUpperCase()]);
    await writeFile(join(home.folder, 'logs', 'planted.log'), `postgres://u:${quoted('CANARY_WRONG_URL')}@x`);
    children.seen.set('planted', await environmentOf({ LEAK: SECRETS['PGPASSWORD'] ?? '' }));
    const leftOver = join(folders[0] ?? 'none', 'planted');
    await writeFile(leftOver, Buffer.from(first, 'utf16le'));
    cleanUp.defer(() => rm(leftOver, { force: true }));
    await writeFile(join(tmpdir(), 'core.1'), first);
    cleanUp.defer(() => rm(join(tmpdir(), 'core.1')));
    await probe.put('batches/planted/report.json', first);
    for (const place of Object.keys(places)) {
      expect({ place, found: (await findings(place)).length > 0 }).toEqual({ place, found: true });
    }
  },
  5 * MINUTE,
);

/** As /proc shows it of a program that was started with these variables. */
async function environmentOf(env: Record<string, string>): Promise<string> {
  const child = spawn('/bin/cat', { env, stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const text = textOf(`/proc/${child.pid}/environ`) ?? '';
  child.stdin.end();
  await once(child, 'close');
  return text;
}
