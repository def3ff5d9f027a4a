/** docker-compose.yml by the Compose Specification's schema and by rules of our own; each rule refuses a broken copy. */

import { execFile } from 'node:child_process';
import { mkdtempDisposable, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import {
  COMPOSE_FILE,
  composeFindings,
  ENV_SCRIPT,
  freshVariables,
  ROOT,
  readCompose,
  variablesIn,
} from '../support/compose.ts';

const run = promisify(execFile);

let text: string;
let variables: Record<string, string>;

beforeAll(async () => {
  variables = await freshVariables();
  text = await readFile(COMPOSE_FILE, 'utf8');
});

test('the file is right', async () => {
  expect(await composeFindings(text, variables)).toEqual([]);
});

test('passwords are random, for their owner alone, and stay when the script runs again', async () => {
  const passwords = Object.entries(variables).filter(([name]) => /(PASSWORD|KEY)$/.test(name));
  expect(passwords).toHaveLength(4);
  for (const [, value] of passwords) expect(value).toMatch(/^[\w-]{32}$/);
  expect(new Set(passwords.map(([, value]) => value)).size).toBe(4);

  await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-env-'));
  const dotenv = join(folder.path, '.env');
  await run(ENV_SCRIPT, [dotenv]);
  expect((await stat(dotenv)).mode & 0o777).toBe(0o600);
  const first = await readFile(dotenv, 'utf8');
  expect(variablesIn(first)).not.toEqual(variables);
  const { stderr } = await run(ENV_SCRIPT, [dotenv]);
  expect(stderr).toContain('it stays as it is');
  expect(await readFile(dotenv, 'utf8')).toBe(first);
  await run('git', ['check-ignore', '.env'], { cwd: ROOT });
});

test('without passwords it says what to do', () => {
  expect(() => readCompose(text, {})).toThrow('run scripts/compose-env.sh first');
});

test('Chromium may make its sandbox, and nothing else that Docker forbids', async () => {
  const { defaultAction, syscalls } = JSON.parse(
    await readFile(join(ROOT, 'deploy/docker/chromium-seccomp.json'), 'utf8'),
  );
  expect(defaultAction).toBe('SCMP_ACT_ERRNO');
  const freely = syscalls.filter((rule: object) => !('includes' in rule || 'excludes' in rule || 'args' in rule));
  const allowed = freely.flatMap(({ names }: { readonly names: readonly string[] }) => names);
  for (const name of ['clone', 'unshare', 'setns', 'chroot']) expect(allowed).toContain(name);
  for (const name of ['mount', 'bpf', 'ptrace', 'reboot', 'init_module', 'clone3']) expect(allowed).not.toContain(name);
});

/** A variable without which Compose refuses the file. */
const required = (name: string) => `\${${name}:?run scripts/compose-env.sh first}`;
const bare = (name: string) => `\${${name}}`;

/** What is changed in the file, and the sentence that comes of it. */
const BROKEN: readonly (readonly [from: string | RegExp, to: string, sentence: string])[] = [
  ['shm_size: 1gb', 'shm_sise: 1gb', '/services/render must NOT have unevaluated properties shm_sise'],
  [
    'stop_grace_period: 90s',
    'stop_grace_period: [90]',
    '/services/orchestrator/stop_grace_period must be string string',
  ],
  [
    'prom/prometheus:v3.15.0',
    'prom/prometheus',
    'prometheus: the image prom/prometheus is not pinned to an exact version',
  ],
  [
    'grafana/grafana:13.2.3',
    'grafana/grafana:latest',
    'grafana: the image grafana/grafana:latest is not pinned to an exact version',
  ],
  ['127.0.0.1:3000:3000', '3000:3000', 'grafana: the port 3000:3000 is not on 127.0.0.1'],
  ['user: "472:0"', 'user: "0:0"', 'grafana says no user, or root'],
  ['    user: "1000:1000"\n', '', 'seaweedfs says no user, or root'],
  ['  cap_drop: [ALL]\n', '', 'render keeps capabilities: cap_drop: [ALL]'],
  ['security_opt: [no-new-privileges:true]', 'security_opt: []', 'temporal lacks no-new-privileges:true'],
  ['  read_only: true', '  read_only: false', 'render may write to its root file system and does not say why'],
  [
    '{ cpus: "2", memory: 3G, pids: 2048 }',
    '{ cpus: "2", pids: 2048 }',
    'render has no limit for cpus, memory and pids',
  ],
  [
    / {4}healthcheck:\n +test: \[CMD, wget, --quiet, --spider, "http:\/\/127.0.0.1:3000.*\n.*\n.*\n.*\n/,
    '',
    'grafana has no health check and does not say why',
  ],
  ['./deploy/compose/prometheus.yml', './deploy/prometheus.yaml', 'prometheus: there is no ./deploy/prometheus.yaml'],
  ['chromium-seccomp.json', 'seccomp.json', 'render: there is no deploy/docker/seccomp.json'],
  [
    '/etc/collector.yml:ro',
    '/etc/collector.yml',
    'collector may write to ./deploy/observability/collector.yml:/etc/collector.yml',
  ],
  ['objects:/data', 'objets:/data', 'seaweedfs: there is no volume objets'],
  ['objects:/data', 'grafana:/data', 'the volume objects is used by no service'],
  ['networks: [temporal-db]', 'networks: [database]', 'temporal-db: there is no network database'],
  [
    'warehouse-data: { condition',
    'warehouse-rows: { condition',
    'orchestrator depends on warehouse-rows, which is no service',
  ],
  [
    'traces: { condition: service_healthy }',
    'prometheus: { condition: service_completed_successfully }',
    'collector waits for the end of prometheus, which never ends',
  ],
  [
    'alertmanager: { condition: service_healthy }',
    'collector: { condition: service_healthy }',
    'prometheus waits for collector to be healthy, which has no health check',
  ],
  [
    'alertmanager: { condition: service_healthy }',
    'grafana: { condition: service_healthy }',
    'prometheus and grafana wait for each other',
  ],
  [
    `POSTGRES_PWD: ${required('TEMPORAL_DB_PASSWORD')}`,
    'POSTGRES_PWD: temporal',
    'temporal: POSTGRES_PWD is written into the file; take it from .env',
  ],
  [
    `nightreel:${required('WAREHOUSE_DB_PASSWORD')}@`,
    'nightreel:nightreel@',
    'warehouse-data: NIGHTREEL_POSTGRES_URL is written into the file; take it from .env',
  ],
  [
    required('GRAFANA_PASSWORD'),
    bare('GRAFANA_PASSWORD'),
    `${bare('GRAFANA_PASSWORD')}: say what to do where it is not set`,
  ],
  [required('GRAFANA_PASSWORD'), required('GRAFANA_SECRET'), 'GRAFANA_SECRET is not written by scripts/compose-env.sh'],
  [
    'NIGHTREEL_TRACE_URL:',
    'NIGHTREEL_TRACES_URL:',
    'prepare: NIGHTREEL_TRACES_URL is no variable that Nightreel knows',
  ],
  [
    'OTEL_METRICS_EXPORTER:',
    'OTEL_METRIC_EXPORTER:',
    'render: OTEL_METRIC_EXPORTER is no variable that Nightreel knows',
  ],
  [
    'TEMPORAL_ADDRESS: temporal:7233\n  AWS',
    'TEMPORAL_ADRESS: temporal:7233\n  AWS',
    'render: TEMPORAL_ADRESS is no variable that Nightreel knows',
  ],
  [
    '/trace/{traceId}',
    '/trace/',
    'prepare: NIGHTREEL_TRACE_URL must have {traceId} in it, where the ID of a trace goes.',
  ],
  ['"9464"', '"metrics"', 'OTEL_EXPORTER_PROMETHEUS_PORT'],
  ['stop_grace_period: 90s', 'stop_grace_period: 70s', 'render is given 70s to end: its renders need 80s'],
  ['    shm_size: 1gb\n', '', 'render draws, and has no shm_size'],
];

test.each(BROKEN)('%s → %s is refused: %s', async (from, to, sentence) => {
  const broken = text.replace(from, () => to);
  expect(broken).not.toBe(text);
  expect((await composeFindings(broken, variables)).join('\n')).toContain(sentence);
});
