/** The manifests of deploy/kubernetes, held against Kubernetes' own schemas and against our rules; and that a broken copy does not pass. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { build, type Manifest, manifestsIn } from '../../scripts/kubernetes/manifests.ts';
import { rolesOf, slotsOf } from '../../scripts/kubernetes/pod-rules.ts';
import { faultsOf } from '../../scripts/kubernetes/rules.ts';
import { type Deployment, ofKind, type ScaledObject } from '../../scripts/kubernetes/views.ts';
import { listCampaigns, loadCampaign } from '../../src/config/campaign.ts';
import { packageVersion } from '../../src/config/version.ts';
import { CHILDREN_PER_RUN } from '../../src/workflows/variant-lane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KUBERNETES = join(ROOT, 'deploy/kubernetes');

let base: readonly Manifest[];
let aws: readonly Manifest[];
beforeAll(async () => {
  base = await build(join(KUBERNETES, 'base'));
  aws = await build(join(KUBERNETES, 'overlays/aws'));
});

test('the base and the example are sound', () => {
  expect(faultsOf(base)).toEqual([]);
  expect(faultsOf(aws)).toEqual([]);
});

test('what has to be there is', () => {
  const counted = Object.groupBy(base, ({ kind }) => kind);
  expect(Object.fromEntries(Object.entries(counted).map(([kind, all]) => [kind, all?.length]))).toEqual({
    ...{ Namespace: 1, ServiceAccount: 2, ConfigMap: 1, Deployment: 2, PodDisruptionBudget: 2 },
    ...{ NetworkPolicy: 7, ScaledObject: 1, PodMonitor: 1 },
  });
});

test('the images are those of this version', () => {
  const images = ofKind<Deployment>(base, 'Deployment').map(({ spec }) => spec.template.spec.containers[0]?.image);
  expect(images).toEqual(['orchestrator', 'render'].map((role) => `nightreel-${role}:${packageVersion()}`));
});

test('there are never so many pods that render that the queue is empty while they work: KEDA would take them for idle', async () => {
  const [render] = ofKind<Deployment>(base, 'Deployment').filter((deployment) =>
    rolesOf(deployment).includes('render'),
  );
  const [container] = render?.spec.template.spec.containers ?? [];
  const slots = container === undefined ? 0 : slotsOf(container);
  expect(slots).toBe(4);
  const campaigns = await Promise.all((await listCampaigns(ROOT)).map((id) => loadCampaign(ROOT, id)));
  const lanes = Math.min(...campaigns.map(({ lanes: { count, window } }) => inFlight(count, window)));
  expect(podsIn(base) * (slots + 1)).toBeLessThanOrEqual(lanes);
  // What the example's comment says it is for.
  expect(podsIn(aws) * (slots + 1)).toBeLessThanOrEqual(inFlight(4, 25));
});

/** As docs/scaling.md has it: at the end of a run a lane works off its window with nothing behind it. */
const inFlight = (count: number, window: number): number =>
  (count * window * CHILDREN_PER_RUN) / (CHILDREN_PER_RUN + window);
const podsIn = (manifests: readonly Manifest[]): number =>
  ofKind<ScaledObject>(manifests, 'ScaledObject')[0]?.spec.maxReplicaCount ?? Number.NaN;

describe('a broken copy is refused', () => {
  /** What is written wrongly, in what kustomize makes of the base or the example, and the sentence that says so. */
  const CASES: readonly [string, RegExp, string, string][] = [
    ['a misspelt field', /readOnlyRootFilesystem/, 'readOnlyRootFileSystem', "has no field 'readOnlyRootFileSystem'"],
    ['a wrong type', /replicas: 2/, 'replicas: two', 'Deployment orchestrator: spec.replicas must be integer,null.'],
    ['an old API', /policy\/v1$/m, 'policy/v1beta1', 'nothing is known of policy/v1beta1 PodDisruptionBudget'],
    ['a field that KEDA lacks', /cooldownPeriod/, 'coolDownPeriod', "spec has no field 'coolDownPeriod'"],
    ['a field that the operator lacks', /jobLabel/, 'joblabel', "PodMonitor nightreel: spec has no field 'joblabel'"],
    ['root', /runAsNonRoot: true/, 'runAsNonRoot: false', 'Deployment orchestrator: its pods may run as root.'],
    [
      'a root file system that can be written',
      /readOnlyRootFilesystem: true/,
      'readOnlyRootFilesystem: false',
      'container worker may write into its image.',
    ],
    [
      'escalation',
      /allowPrivilegeEscalation: false/,
      'allowPrivilegeEscalation: true',
      'may gain rights by a setuid program.',
    ],
    ['capabilities', /drop:\n +- ALL/, 'drop: [NET_RAW]', 'container worker keeps capabilities.'],
    ['no seccomp', /type: RuntimeDefault/, 'type: Unconfined', 'its pods may make every system call.'],
    [
      'a token',
      /automountServiceAccountToken: false\n +containers/,
      'containers',
      'its pods hold a token for Kubernetes',
    ],
    [
      'the host’s network',
      /enableServiceLinks: false/,
      'hostNetwork: true',
      'its pods share a namespace with their node.',
    ],
    [
      'a folder of the node',
      /emptyDir:\n +sizeLimit: 4Gi/,
      'hostPath: { path: /var/tmp }',
      'the volume tmp is a folder of the node.',
    ],
    [
      'a grace that is too short',
      /terminationGracePeriodSeconds: 90/,
      'terminationGracePeriodSeconds: 60',
      'its pods are killed 60 s after SIGTERM, and a worker takes up to 75 s',
    ],
    ['no limit', /limits:\n +cpu: "2"/, 'limits:', 'container worker has no limit of cpu.'],
    [
      'the latest image',
      /nightreel-render:[\d.]+/,
      'nightreel-render:latest',
      'takes whatever is the latest nightreel-render:latest.',
    ],
    ['no probe', /path: \/live/, 'path: /', 'has no livenessProbe that asks for /live.'],
    [
      'a probe at a port that is not there',
      /path: \/live\n( +)port: health/,
      'path: /live\n$1port: healthy',
      'its livenessProbe asks at port healthy, which it does not have.',
    ],
    [
      'a variable that nobody reads',
      /NIGHTREEL_BUCKET/,
      'NIGHTREEL_BUKET',
      'nobody reads the variable NIGHTREEL_BUKET.',
    ],
    [
      'a value that a worker refuses',
      /OTEL_METRICS_EXPORTER: prometheus/,
      'OTEL_METRICS_EXPORTER: prom',
      "OTEL_METRICS_EXPORTER has 'prom': it takes otlp, prometheus, none",
    ],
    [
      'a secret for everybody',
      /TEMPORAL_NAMESPACE: default/,
      'TEMPORAL_NAMESPACE: default\n  TEMPORAL_API_KEY: abc',
      'TEMPORAL_API_KEY stands in the manifest for everybody to read.',
    ],
    [
      'a home that is no volume',
      /NIGHTREEL_HOME: .*/,
      'NIGHTREEL_HOME: /nightreel/.nightreel',
      'its workers cannot write their cache',
    ],
    [
      'a port that moved',
      /NIGHTREEL_HEALTH_ADDRESS: .*/,
      'NIGHTREEL_HEALTH_ADDRESS: 0.0.0.0:8081',
      'NIGHTREEL_HEALTH_ADDRESS says 8081, and container worker has no such port.',
    ],
    ['too little memory', /memory: 3Gi/g, 'memory: 2Gi', 'its memory, 2Gi, has room for 3 browsers on 4 processors.'],
    [
      'pictures on the disk',
      /medium: Memory\n +sizeLimit: 1280Mi/,
      'sizeLimit: 1280Mi',
      '/tmp has to be an emptyDir of medium Memory of 256Mi or more.',
    ],
    [
      'the usual /dev/shm',
      /sizeLimit: 1Gi/,
      'sizeLimit: 64Mi',
      '/dev/shm has to be an emptyDir of medium Memory of 256Mi or more.',
    ],
    [
      'a role that there is not',
      /warehouse,assemble,storage/,
      'warehouse,assembly,storage',
      "'assembly' is no role of a worker.",
    ],
    [
      'a role that nobody has',
      /orchestrator,warehouse,assemble,storage/,
      'orchestrator,warehouse,assemble',
      'No Deployment serves the role storage',
    ],
    [
      'a shared account',
      /serviceAccountName: render/,
      'serviceAccountName: orchestrator',
      'ServiceAccount orchestrator is shared',
    ],
    [
      'a selector that finds nobody',
      /kind: PodDisruptionBudget([\s\S]*?)component: orchestrator/,
      'kind: PodDisruptionBudget$1component: orchestra',
      'PodDisruptionBudget orchestrator: its selector finds no pods.',
    ],
    [
      'a namespace that takes everything',
      /enforce: restricted/,
      'enforce: baseline',
      'Namespace nightreel takes pods that are not confined.',
    ],
    [
      'no default deny',
      /name: nothing\n[\s\S]*?podSelector: \{\}/,
      'name: nothing\n  namespace: nightreel\nspec:\n  podSelector: { matchLabels: { app.kubernetes.io/name: nightreel } }',
      'No NetworkPolicy closes Ingress for every pod',
    ],
    [
      'renders that reach the world',
      /kubernetes.io\/metadata.name: object-store/,
      'kubernetes.io/metadata.name: object-store\n        - ipBlock: { cidr: 0.0.0.0/0 }',
      'NetworkPolicy object-store lets pods that render out to 0.0.0.0/0.',
    ],
    [
      'the node’s credentials',
      / +- 169\.254\.0\.0\/16\n/,
      '',
      'NetworkPolicy digests lets pods ask for their node’s own credentials.',
    ],
    [
      'a way out for everything',
      /port: 7233\n +protocol: TCP\n +to:\n +- namespaceSelector:\n +matchLabels:\n +kubernetes.io\/metadata.name: temporal/,
      'port: 7233',
      'NetworkPolicy temporal lets pods out to every address or port.',
    ],
    [
      'a policy about a port that is not there',
      /- port: temporal-metrics\n( +)protocol/,
      '- port: temporal\n$1protocol',
      'have no port temporal.',
    ],
    [
      'a queue that is another’s',
      /taskQueue: render/,
      'taskQueue: storage',
      "counts what waits on the task queue 'storage', which the pods that it starts do not serve.",
    ],
    [
      'a parameter that the trigger lacks',
      /targetQueueSize/,
      'targetQueueLength',
      "does not know 'targetQueueLength' of the trigger temporal.",
    ],
    [
      'one that it had',
      /( +)queueTypes: activity/,
      '$1queueTypes: activity\n$1selectUnversioned: "true"',
      "takes no notice of 'selectUnversioned' any more.",
    ],
    ['workflows in place of activities', /queueTypes: activity/, 'queueTypes: workflow', 'Set queueTypes: activity.'],
    [
      'a variable that the pods lack',
      /endpointFromEnv: TEMPORAL_ADDRESS/,
      'endpointFromEnv: TEMPORAL_HOST',
      'the pods have no variable TEMPORAL_HOST, which endpointFromEnv reads.',
    ],
    [
      'a number of pods that KEDA does not know of',
      /name: render\n {2}namespace: nightreel\nspec:\n {2}selector:\n {4}matchLabels:\n {6}app.kubernetes.io\/component: render\n {6}app.kubernetes.io\/name: nightreel\n {2}template/,
      'name: render\n  namespace: nightreel\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: render\n      app.kubernetes.io/name: nightreel\n  template',
      'whoever applies it undoes what KEDA has scaled.',
    ],
    [
      'a monitor of a port that is not there',
      /port: metrics\n/,
      'port: http\n',
      'PodMonitor nightreel: the pods of Deployment orchestrator have no port http.',
    ],
    [
      'a monitor without the token',
      /name: nightreel-metrics\n( +)interval: 15s\n +port: temporal-metrics/,
      'name: nightreel\n$1interval: 15s\n$1port: temporal-metrics',
      'PodMonitor nightreel asks at port temporal-metrics without a token of a Secret that the pods of Deployment orchestrator have.',
    ],
  ];

  test.each(CASES)('%s', (_, pattern, wrong, sentence) => {
    const text = base.map((manifest) => stringify(manifest)).join('---\n');
    const broken = text.replace(pattern, wrong);
    expect(broken).not.toBe(text);
    expect(faultsOf(manifestsIn(broken)).join('\n')).toContain(sentence.replace('’', "'"));
  });

  test('a field that External Secrets does not know, in the example', () => {
    const text = aws.map((manifest) => stringify(manifest)).join('---\n');
    expect(faultsOf(manifestsIn(text.replace('secretKey:', 'secretName:'))).join('\n')).toContain(
      "ExternalSecret nightreel-orchestrator: spec.data.0 has no field 'secretName'.",
    );
  });
});

test('the command prints what is wrong with a folder and ends with 2; one that does not build is told in kustomize’s words', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-kubernetes-'));
  try {
    await cp(join(KUBERNETES, 'base'), folder, { recursive: true });
    const file = join(folder, 'render.yaml');
    const good = await readFile(file, 'utf8');
    await writeFile(file, good.replace('runAsNonRoot: true', 'runAsNonRoot: false'));
    expect(await check(folder)).toEqual({
      code: 2,
      told: `${folder}: Deployment render: its pods may run as root. Set runAsNonRoot: true and runAsUser: 1000 in their securityContext.\n`,
    });
    await writeFile(file, good.replace('kind: Deployment', 'kind: [Deployment'));
    const { code, told } = await check(folder);
    expect(code).not.toBe(0);
    expect(told).toContain('render.yaml');
    await writeFile(file, good);
    expect(await check(folder)).toEqual({ code: 0, told: '' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function check(folder: string): Promise<{ readonly code: number; readonly told: string }> {
  try {
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/check-kubernetes.ts'), folder]);
    return { code: 0, told: '' };
  } catch (error) {
    const { code, stderr } = error as { readonly code: number; readonly stderr: string };
    return { code, told: stderr };
  }
}
