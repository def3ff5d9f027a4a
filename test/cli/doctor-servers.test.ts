/** `nightreel doctor` and the servers of a night: as they should be, not as they should be, silent, and never told on. */

import { globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Check, Diagnosis, Examination } from '../../src/cli/doctor/check.ts';
import { TestCollector } from '../support/collector.ts';
import { FIXTURE_PROJECT, type Finished, TestHome, until } from '../support/nightreel.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { TestTemporal } from '../support/temporal.ts';

const WEEK_SECONDS = 7 * 86_400;
const ATTRIBUTES = ['CampaignId', 'BatchDate', 'VariantKey', 'FailureClass'];

let project: string;
let home: TestHome;
let temporal: TestTemporal;
let postgres: TestPostgres;
let silent: Server;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-doctor-project-'));
  await mkdir(join(project, 'campaigns'));
  await cp(join(FIXTURE_PROJECT, 'templates/card'), join(project, 'templates/card'), { recursive: true });
  [home, temporal, postgres] = await Promise.all([
    TestHome.create(project),
    TestTemporal.start(),
    TestPostgres.start(),
  ]);
  await postgres.run(
    'CREATE TABLE people (id text, "at" timestamptz, n integer)',
    `INSERT INTO people VALUES ('u-1', '2026-11-23 03:00Z', 0)`,
    // Whoever reads a row of it divides by zero.
    'CREATE VIEW loud AS SELECT id, "at", 1 / n AS n FROM people',
  );
  silent = createServer().listen(0, '127.0.0.1');
}, 120_000);
afterAll(async () => {
  silent?.close();
  await postgres?.[Symbol.asyncDispose]();
  await temporal?.[Symbol.asyncDispose]();
  await home?.end();
  await rm(project, { recursive: true, force: true });
}, 60_000);

type Variables = Readonly<Record<string, string>>;

const doctor = (only: string, environment: Variables, ...args: string[]): Promise<Finished> =>
  home.run(['doctor', '--only', only, ...args], environment);

async function diagnose(only: string, environment: Variables, ...args: string[]): Promise<[number | null, Diagnosis]> {
  const { code, stdout, stderr } = await doctor(only, environment, '--json', ...args);
  if (!stdout.startsWith('{')) throw new Error(`doctor said no JSON: ${stderr}`);
  return [code, JSON.parse(stdout) as Diagnosis];
}

const checkOf = (examination: Examination | null, name: string): Check | undefined =>
  examination?.checks.find((check) => check.name === name);
const statuses = (examination: Examination | null): Record<string, Check['status']> =>
  Object.fromEntries((examination?.checks ?? []).map(({ name, status }) => [name, status]));

const silentAddress = (): string => {
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('nobody listens');
  return `127.0.0.1:${address.port}`;
};

/** The process's clock is a minute and a half ahead of everybody's; its timers are not. */
function fastClock(): Variables {
  const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
  if (library === undefined) throw new Error('install libfaketime (Debian: `apt-get install libfaketime`)');
  return { LD_PRELOAD: library, FAKETIME: '+90s', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

async function campaign(id: string, source: string, template = 'card'): Promise<void> {
  const text = `title: ${id}\ntemplate: ${template}\nrendition: email-480p\nsource: ${source}\nschedule: { days: [Mon], at: "23:00", timeZone: America/New_York }\n`;
  await writeFile(join(project, `campaigns/${id}.yaml`), text);
}
const noCampaigns = (): Promise<void> =>
  rm(join(project, 'campaigns'), { recursive: true }).then(() => mkdir(join(project, 'campaigns')));

const ofPeople = (table: string, param: string): string =>
  `{ type: postgres, table: ${table}, columns: { recipientId: id, updatedAt: at }, params: { name: id, referralCount: ${param}, earnings: n } }`;

describe('of Temporal', () => {
  test('what is there is told, and who works', async () => {
    const { client } = temporal;
    // As a worker with the role `render` does.
    const asking = new AbortController();
    const polled = client
      .withAbortSignal(asking.signal, () =>
        client.withDeadline(Date.now() + 60_000, () =>
          client.workflowService.pollActivityTaskQueue({
            ...{ namespace: 'default', taskQueue: { name: 'render' }, identity: 'one-renderer' },
          }),
        ),
      )
      .catch(() => undefined);
    const [code, found] = await diagnose('temporal', { TEMPORAL_ADDRESS: temporal.address });
    asking.abort();
    await polled;
    expect(code).toBe(0);
    expect(found).toMatchObject({
      checks: [],
      store: null,
      campaigns: null,
      telemetry: null,
      routes: [],
      engine: null,
    });
    expect(found.temporal).toMatchObject({ address: temporal.address, namespace: 'default' });
    expect(statuses(found.temporal)).toEqual({
      ...{ Temporal: 'ok', updates: 'ok', payloads: 'ok', 'search attributes': 'ok', versions: 'ok', clock: 'ok' },
      // A development server keeps what has ended for a day.
      ...{ namespace: 'warning', workers: 'warning' },
    });
    expect(checkOf(found.temporal, 'workers')).toMatchObject({
      found: 'orchestrator 0, warehouse 0, render 1, assemble 0, storage 0',
      todo: expect.stringContaining('Nobody works for orchestrator, warehouse, assemble, storage'),
    });
  });

  test('a namespace that lacks search attributes gets them, when that is wanted', async () => {
    const namespace = 'films';
    const { client } = temporal;
    await client.workflowService.registerNamespace({
      ...{ namespace, workflowExecutionRetentionPeriod: { seconds: WEEK_SECONDS } as never },
    });
    await until(
      () => client.connection.operatorService.listSearchAttributes({ namespace }).catch(() => null),
      'the namespace to be known',
    );
    const environment = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: namespace };
    const [code, { temporal: before }] = await diagnose('temporal', environment);
    expect(code).toBe(3);
    expect(checkOf(before, 'namespace')).toMatchObject({
      status: 'ok',
      found: 'films keeps what has ended for 7 days',
    });
    expect(checkOf(before, 'search attributes')).toMatchObject({
      status: 'failed',
      found: `no ${ATTRIBUTES.join(', ')}`,
      todo: expect.stringContaining('search-attribute create --namespace films --type Keyword --name CampaignId'),
    });
    const [, { temporal: fixed }] = await diagnose('temporal', environment, '--fix');
    expect(checkOf(fixed, 'search attributes')).toMatchObject({
      status: 'ok',
      found: `${ATTRIBUTES.join(', ')} registered now`,
    });
    const listed = await client.connection.operatorService.listSearchAttributes({ namespace });
    expect(Object.keys(listed.customAttributes ?? {})).toEqual(expect.arrayContaining(ATTRIBUTES));
  }, 60_000);

  test('a namespace that is not there comes with the command that makes it', async () => {
    const environment = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'nowhere' };
    const { code, stdout } = await doctor('temporal', environment);
    expect(code).toBe(3);
    expect(stdout).toContain(`Temporal: namespace nowhere at ${temporal.address}\n`);
    expect(stdout).toMatch(
      /^FAILED +namespace +there is no namespace nowhere\n +Create it \(`temporal operator namespace create --namespace nowhere/m,
    );
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('Temporal is not ready for a night.');
  });

  test('a clock that is a minute and a half off fails, by the time of Temporal and by that of the store', async () => {
    await using server = await TestS3.start();
    const [code, found] = await diagnose('temporal,store', {
      ...fastClock(),
      ...{ TEMPORAL_ADDRESS: temporal.address, NIGHTREEL_BUCKET: server.bucket },
      ...storeAt(server.endpoint, TEST_CREDENTIALS.secretAccessKey),
    });
    expect(code).toBe(3);
    for (const examination of [found.temporal, found.store]) {
      expect(checkOf(examination, 'clock')).toMatchObject({
        status: 'failed',
        found: expect.stringMatching(/^(8\d|90) s behind this machine's$/),
        todo: expect.stringContaining('NTP'),
      });
    }
  }, 60_000);
});

const storeAt = (endpoint: string, secret: string): Variables => ({
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: secret,
});

describe('of campaigns', () => {
  test('each is loaded with its template, and its source asked for its columns and for nobody’s row', async () => {
    await noCampaigns();
    await campaign('asked', ofPeople('loud', 'n'));
    await campaign('column', ofPeople('people', 'friends'));
    await campaign(
      'generated',
      '{ type: duckdb, table: t, columns: { recipientId: id, updatedAt: at }, params: { n: n } }',
    );
    await campaign('list', `{ type: csv, path: ${project}/people.csv }`);
    await campaign('untemplated', ofPeople('people', 'n'), 'missing');
    await writeFile(join(project, 'people.csv'), 'recipient_id,name,referralCount,earnings\n42,Zoë,3,125\n');
    const [code, { campaigns }] = await diagnose('campaigns', { NIGHTREEL_POSTGRES_URL: postgres.url });
    expect(code).toBe(3);
    expect(checkOf(campaigns, 'asked')?.found).toBe('template card, Mon at 23:00 America/New_York');
    expect(checkOf(campaigns, 'asked: source')).toMatchObject({
      status: 'ok',
      found: 'PostgreSQL: it answers, and has the columns',
    });
    expect(checkOf(campaigns, 'column: source')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('column "friends" does not exist'),
      todo: expect.stringContaining('(SqlError)'),
    });
    expect(checkOf(campaigns, 'generated: source')).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('`nightreel demo` makes it'),
    });
    expect(checkOf(campaigns, 'list: source')).toMatchObject({ status: 'ok' });
    expect(checkOf(campaigns, 'untemplated')).toMatchObject({ status: 'failed' });
  });

  test('a file without one of the columns is told, whatever it has else', async () => {
    await noCampaigns();
    await campaign('list', `{ type: csv, path: ${project}/people.csv }`);
    await writeFile(join(project, 'people.csv'), 'id,name\n42,Zoë\n');
    const { code, stdout } = await doctor('campaigns', {});
    expect(code).toBe(3);
    expect(stdout).toMatch(/^FAILED +list: source +.* it has no column 'recipient_id'/m);
    expect(stdout).not.toContain('Zoë');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('Not every campaign can be planned from here.');
  });
});

describe('of telemetry', () => {
  test('a collector is sent nothing, and asked whether it takes that; ports to be scraped are tried', async () => {
    await using takes = await TestCollector.start();
    await using fails = await TestCollector.start('fails');
    const [, port = ''] = silentAddress().split(':');
    const [code, { telemetry }] = await diagnose('telemetry', {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${takes.endpoint}/v1/traces`,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${fails.endpoint}/v1/metrics`,
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: port,
    });
    // No night depends on it.
    expect(code).toBe(0);
    expect(statuses(telemetry)).toEqual({
      ...{ traces: 'ok', metrics: 'warning', 'metrics to be scraped': 'warning', digests: 'ok' },
    });
    expect(takes.spans()).toEqual([]);
    expect(checkOf(telemetry, 'metrics to be scraped')?.found).toBe(`127.0.0.1:${port} is taken by something else`);
  });

  test('a variable with which workers would not start fails', async () => {
    const [code, { telemetry }] = await diagnose('telemetry', { OTEL_METRICS_EXPORTER: 'statsd' });
    expect(code).toBe(3);
    expect(checkOf(telemetry, 'telemetry')?.found).toContain("OTEL_METRICS_EXPORTER has 'statsd'");
  });
});

describe('of servers that are silent, refuse, or are not there', () => {
  /** In every variable that holds a secret; each stands out wherever it turns up. */
  const CANARY = 'canary-5f1e9d';
  const SECRETS = {
    AWS_ACCESS_KEY_ID: 'nobody',
    AWS_SECRET_ACCESS_KEY: `${CANARY}-aws`,
    AWS_SESSION_TOKEN: `${CANARY}-session`,
    NIGHTREEL_SLACK_WEBHOOK: `https://hooks.slack.com/services/${CANARY}-slack`,
    NIGHTREEL_WEBHOOK: `https://example.com/hook?key=${CANARY}-hook`,
    NIGHTREEL_WEBHOOK_SECRET: `${CANARY}-webhook-secret`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${CANARY}-otlp`,
    PGPASSWORD: `${CANARY}-pg`,
    SNOWFLAKE_PASSWORD: `${CANARY}-snowflake`,
    SNOWFLAKE_TOKEN: `${CANARY}-token`,
    SNOWFLAKE_PRIVATE_KEY: `-----BEGIN PRIVATE KEY-----\n${CANARY}-key\n-----END PRIVATE KEY-----`,
    SNOWFLAKE_PRIVATE_KEY_PASSPHRASE: `${CANARY}-passphrase`,
    TEMPORAL_GRPC_META_AUTHORIZATION: `Bearer ${CANARY}-meta`,
  };
  const GROUPS = 'store,temporal,campaigns,telemetry';
  let [quiet, refused, refusedJson, absent] = [] as unknown as [Finished, Finished, Finished, Finished];

  // They wait for a server most of the time: all of them at once.
  beforeAll(async () => {
    await noCampaigns();
    await campaign('asked', ofPeople('people', 'n'));
    await campaign('cold', ofPeople('people', 'n').replace('postgres', 'snowflake'));
    const at = silentAddress();
    const silence = {
      ...{ TEMPORAL_ADDRESS: at, NIGHTREEL_POSTGRES_URL: `postgres://nobody@${at}/people` },
      ...{ AWS_ENDPOINT_URL_S3: `http://${at}`, OTEL_EXPORTER_OTLP_ENDPOINT: `http://${at}` },
    };
    const refusal = {
      TEMPORAL_ADDRESS: temporal.address,
      NIGHTREEL_POSTGRES_URL: postgres.url.replace('nightreel%20test', `${CANARY}-password`),
      ...{ SNOWFLAKE_ACCOUNT: 'a', SNOWFLAKE_USER: 'u', SNOWFLAKE_ACCESS_URL: 'http://127.0.0.1:1' },
      AWS_ENDPOINT_URL_S3: `http://${temporal.address}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${CANARY}-collector@127.0.0.1:1`,
    };
    const absence = {
      ...{ TEMPORAL_ADDRESS: 'nowhere.invalid:7233', TEMPORAL_API_KEY: `${CANARY}-api\nkey` },
      NIGHTREEL_POSTGRES_URL: `postgres://user:${CANARY}-password@nowhere.invalid/people`,
      AWS_ENDPOINT_URL_S3: 'http://nowhere.invalid',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${CANARY}-collector@nowhere.invalid`,
    };
    [quiet, refused, refusedJson, absent] = await Promise.all([
      doctor(GROUPS, { ...SECRETS, ...silence }, '--json'),
      doctor(`machine,${GROUPS}`, { ...SECRETS, ...refusal }),
      doctor(GROUPS, { ...SECRETS, ...refusal }, '--json'),
      doctor(GROUPS, { ...SECRETS, ...absence }),
    ]);
  }, 120_000);

  test('those that take a connection and never answer hold nobody up', () => {
    const at = silentAddress();
    expect(quiet.code).toBe(3);
    const found = JSON.parse(quiet.stdout) as Diagnosis;
    expect(found.temporal?.checks).toMatchObject([
      { status: 'failed', found: expect.stringContaining(`No answer from the Temporal server at ${at}`) },
    ]);
    expect(found.store?.checks).toMatchObject([
      { status: 'failed', found: `http://${at} did not answer within 10 s.` },
    ]);
    expect(checkOf(found.campaigns, 'asked: source')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('does not answer'),
    });
    expect(statuses(found.telemetry)).toMatchObject({ traces: 'warning', metrics: 'warning' });
  });

  test('each is told in a sentence, and no secret with it', () => {
    for (const { stdout } of [refused, refusedJson]) expect(stdout).toContain('password authentication failed');
    expect(absent.stdout).toMatch(/^FAILED +asked: source +.*nowhere\.invalid/m);
    for (const { code, stdout, stderr } of [quiet, refused, refusedJson, absent]) {
      expect(code).toBe(3);
      expect(stdout).toContain('Slack at hooks.slack.com and example.com, signed; not called');
      expect(`${stdout}${stderr}`).not.toContain(CANARY);
    }
  });
});

test('a group that there is not is refused at the door', async () => {
  const { code, stderr } = await doctor('stores', {});
  expect(code).toBe(2);
  expect(stderr).toContain('It takes machine, store, temporal, campaigns, telemetry, routes');
});
