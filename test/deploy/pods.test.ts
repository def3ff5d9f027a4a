/**
 * A night by the pods of deploy/kubernetes, confined as their manifests say, with no more rights in the bucket than deploy/terraform gives
 * their roles.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { build, type Manifest } from '../../scripts/kubernetes/manifests.ts';
import { type Deployment, ofKind, type ScaledObject } from '../../scripts/kubernetes/views.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { until } from '../support/nightreel.ts';
import { Pod } from '../support/pod.ts';
import { TestS3 } from '../support/s3.ts';
import { TestTemporal } from '../support/temporal.ts';

const DEPLOY = resolve(import.meta.dirname, '../../deploy');
const MINUTE = 60_000;
const ROLES = ['orchestrator', 'render', 'staff'] as const;
type Role = (typeof ROLES)[number];
const credentialsOf = (role: Role) => ({ accessKeyId: `${role}-key`, secretAccessKey: `${role}-secret` });

let s3: TestS3;
let temporal: TestTemporal;
let manifests: readonly Manifest[];
const pods: Partial<Record<Role, { readonly pod: Pod; readonly health: string; readonly metrics: string }>> = {};

beforeAll(async () => {
  manifests = await build(join(DEPLOY, 'kubernetes/overlays/aws'));
  const policies = await Promise.all(
    ROLES.map(async (name) => {
      const policy = await readFile(join(DEPLOY, `terraform/policies/${name}.json`), 'utf8');
      return { name, content: policy.replace(/\$\{bucket\}/g, 'arn:aws:s3:::nightreel-test') };
    }),
  );
  const identities = ROLES.map((name) => {
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentialsOf(name);
    return { name, credentials: [{ accessKey, secretKey }], policyNames: [name] };
  });
  s3 = await TestS3.start({ identities, policies });
  temporal = await TestTemporal.start();
}, MINUTE);

afterAll(async () => {
  for (const { pod } of Object.values(pods)) await pod[Symbol.asyncDispose]();
  await temporal?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
}, MINUTE);

const chooser = new PortChooser();
const METRICS_TOKEN = 'a-token-for-those-who-may-scrape';

/** A pod of this role, when it is ready. */
async function start(role: 'orchestrator' | 'render'): Promise<void> {
  const deployment = ofKind<Deployment>(manifests, 'Deployment').find(({ metadata }) => metadata.name === role);
  if (deployment === undefined) throw new Error(`no Deployment ${role}`);
  const [health, metrics, temporalMetrics] = [await chooser.choose(), await chooser.choose(), await chooser.choose()];
  const { accessKeyId, secretAccessKey } = credentialsOf(role);
  const pod = await Pod.start(deployment, manifests, {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    NIGHTREEL_BUCKET: s3.bucket,
    NIGHTREEL_PROJECT: '/nightreel/test/fixtures/project',
    NIGHTREEL_METRICS_TOKEN: METRICS_TOKEN,
    NIGHTREEL_HEALTH_ADDRESS: `127.0.0.1:${health}`,
    OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(metrics),
    NIGHTREEL_TEMPORAL_METRICS_PORT: String(temporalMetrics),
  });
  pods[role] = { pod, health: `http://127.0.0.1:${health}`, metrics: `http://127.0.0.1:${metrics}/metrics` };
  let over = false;
  pod.log.finally(() => {
    over = true;
  });
  await until(async () => {
    if (over) throw new Error(`the pod ${role} ended:\n${await pod.log}`);
    const answer = await fetch(`http://127.0.0.1:${health}/ready`).catch(() => null);
    return answer?.status === 200 ? true : null;
  }, `the pod ${role} to be ready`);
}

const podOf = (role: 'orchestrator' | 'render') => {
  const started = pods[role];
  if (started === undefined) throw new Error(`no pod ${role}`);
  return started;
};

/** What KEDA's trigger asks (`getUnversionedBacklogCount` of its scaler), with what the ScaledObject tells it. */
async function backlog(): Promise<number> {
  const [metadata] = ofKind<ScaledObject>(manifests, 'ScaledObject').flatMap(({ spec }) =>
    spec.triggers.map((trigger) => trigger.metadata),
  );
  const { stats } = await temporal.client.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: metadata?.['taskQueue'] },
    taskQueueType: metadata?.['queueTypes'] === 'activity' ? ACTIVITIES : WORKFLOWS,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? Number.NaN);
}
/** Of temporal.api.enums.v1.TaskQueueType. */
const [WORKFLOWS, ACTIVITIES] = [1, 2];

describe('a night', () => {
  let night: WorkflowHandle;
  beforeAll(async () => {
    await start('orchestrator');
    const csv = 'recipient_id,name,referralCount,earnings\nr1,Ada,3,120\nr2,Grace,3,80\n';
    const csvKey = `inputs/${createHash('sha256').update(csv).digest('hex')}.csv`;
    using store = s3.store();
    await store.put(csvKey, csv, { contentType: 'text/csv' });
    night = await temporal.client.workflow.start('nightlyBatch', {
      taskQueue: 'orchestrator',
      workflowId: 'batch/story/2026-03-02',
      args: [{ campaign: 'story', businessDate: '2026-03-02', csvKey }],
    });
  }, 2 * MINUTE);

  test('wakes pods that render: what KEDA counts is more than nothing', async () => {
    await until(async () => ((await backlog()) > 0 ? true : null), 'an activity to wait for a pod that renders');
  });

  test(
    'is rendered, joined, published and reported by pods with the rights of their roles',
    async () => {
      await start('render');
      expect(await night.result()).toMatchObject({ rendered: 2, failed: 0 });
      using store = s3.store();
      expect(await store.getText('users/r1.json')).toContain('.mp4');
      expect(await store.getText('batches/story/2026-03-02/1/report.html')).toContain('<html');
      expect(await backlog()).toBe(0);
    },
    2 * MINUTE,
  );

  test('Chromium’s renderers are in its own sandbox, though the pod is confined already', async () => {
    const [renderers, worker] = await renderersOf('render');
    expect(renderers.length).toBeGreaterThan(0);
    for (const { command, user } of renderers) {
      expect(command).not.toContain('--no-sandbox');
      expect(user).not.toBe(worker);
    }
  });

  test('a pod is nobody special, may write to its volumes alone, and drops what a manifest drops', async () => {
    const { pod } = podOf('render');
    const { stdout } = await pod.exec('cat', '/proc/1/status');
    expect(stdout).toMatch(/^Uid:\t1000\t1000/m);
    expect(stdout).toMatch(/^CapBnd:\t0{16}$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
    expect(stdout).toMatch(/^Seccomp:\t2$/m);
    expect((await pod.exec('touch', '/nightreel/x')).code).not.toBe(0);
    expect((await pod.exec('touch', '/x')).code).not.toBe(0);
    expect((await pod.exec('unshare', '--mount', 'true')).code).not.toBe(0);
    expect((await pod.exec('touch', '/tmp/x')).code).toBe(0);
  });

  test('metrics are where the PodMonitor asks', async () => {
    const answer = await fetch(podOf('render').metrics, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
    expect(await answer.text()).toContain('nightreel_pool_browsers{state="slots"}');
  });

  test.each(['render', 'orchestrator'] as const)(
    'the pod %s drains when it is told to end, and ends with 0',
    async (role) => {
      expect(await podOf(role).pod.stop()).toBe(0);
    },
  );
});

/** The command lines and user namespaces of a pod's renderer processes, and the user namespace of its worker. */
async function renderersOf(role: 'render') {
  const found: { readonly command: string; readonly user: string }[] = [];
  const worker = (await podOf(role).pod.exec('readlink', '/proc/1/ns/user')).stdout.trim();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
    const environment = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (!command.includes('--type=renderer') || !environment.includes(podOf(role).pod.name)) continue;
    found.push({ command, user: await readlink(`/proc/${pid}/ns/user`) });
  }
  return [found, worker] as const;
}

describe('what a role may not, it cannot', () => {
  const text = { contentType: 'text/plain' };
  const REFUSED: readonly [Role, string, (store: ObjectStore) => Promise<unknown>][] = [
    ['render', 'writes no pointer', (store) => store.put('users/r1.json', '{}', text)],
    ['render', 'reads no pointer', (store) => store.get('users/r1.json')],
    ['render', 'reads no state', (store) => store.get('state/story.json')],
    ['render', 'reads no list of people', (store) => store.get('inputs/list.csv')],
    ['render', 'removes no video', (store) => store.remove('videos/00/one.mp4')],
    ['render', 'changes no plan', (store) => store.put('batches/story/2026-03-02/1/plan.json', '{}', text)],
    ['orchestrator', 'removes no video', (store) => store.remove('videos/00/one.mp4')],
    ['orchestrator', 'removes no plan', (store) => store.remove('batches/story/2026-03-02/1/plan.json')],
    ['orchestrator', 'writes nothing elsewhere', (store) => store.put('elsewhere/one', '', text)],
    ['staff', 'reads no manifest', (store) => store.get('batches/story/2026-03-02/1/manifest/000001.json')],
    ['staff', 'reads no pointer', (store) => store.get('users/r1.json')],
    ['staff', 'writes no report', (store) => store.put('batches/story/2026-03-02/1/report.html', '', text)],
  ];

  test.each(REFUSED)('%s %s', async (role, _, attempt) => {
    using store = s3.store({ credentials: credentialsOf(role) });
    const failure = await attempt(store).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).failureClass).toBe('StorageDenied');
  });

  test('staff read reports and the videos in them', async () => {
    using store = s3.store({ credentials: credentialsOf('staff') });
    expect(await store.getText('batches/story/2026-03-02/1/report.html')).toContain('<html');
    expect(await store.folders('batches/')).toEqual(['story']);
  });
});
