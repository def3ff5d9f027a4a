/** What every pod of Nightreel must be: confined, measured, asked for its health, and given no more than it needs. */

import { readEnvironment } from '../../src/config/environment.ts';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { variablesSchema } from '../../src/config/variables.ts';
import { slotsFor } from '../../src/rendering/browser/sizing.ts';
import { isRole, ROLES, type Role } from '../../src/workers/roles.ts';
import { SHUTDOWN_FORCE } from '../../src/workers/shutdown.ts';
import { type Manifest, nameOf } from './manifests.ts';
import { type Container, type Deployment, ofKind, type PodSpec, quantity, variablesOf } from './views.ts';

/** What the standard libraries and servers beside Nightreel read, as docs/configuration.md names it. */
const OTHERS = /^(TEMPORAL|AWS|OTEL|SNOWFLAKE|PG)[A-Z0-9_]*$|^(NODE_OPTIONS|TZ|TMPDIR)$/;
/** Names of what nobody may read in a manifest. */
const SECRET = /(API_KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|PRIVATE_KEY|WEBHOOK|POSTGRES_URL|ACCESS_KEY_ID)$/;

/** In place of what is in a Secret: that there is one, the PodMonitor's rule asks. */
const SOME_TOKEN = 'x'.repeat(32);

export function podFaults(deployment: Deployment, manifests: readonly Manifest[]): string[] {
  const pod = deployment.spec.template.spec;
  const faults = [...confinement(pod), ...stopping(pod)];
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) faults.push(...confined(container));
  for (const container of pod.containers) {
    faults.push(...measured(container), ...probed(container), ...configured(container, manifests));
    faults.push(...written(container, pod, variablesOf(container, manifests)));
  }
  return faults.map((fault) => `${nameOf(deployment)}: ${fault}`);
}

/** The roles that a deployment's workers have; all of them without `--roles`. */
export function rolesOf({ spec }: Deployment): readonly Role[] {
  const [{ args = [] } = { args: [] }] = spec.template.spec.containers as readonly {
    readonly args?: readonly string[];
  }[];
  if (args[0] !== 'serve') return [];
  const list = args[args.indexOf('--roles') + 1];
  return args.includes('--roles') ? (list ?? '').split(',').filter(isRole) : ROLES;
}

/** Renders that a container has room for. */
export function slotsOf({ resources }: Container): number {
  const { cpu, memory } = resources?.limits ?? {};
  return slotsFor({ cores: Math.floor(quantity(cpu)), memoryBytes: quantity(memory) });
}

function* confinement(pod: PodSpec): Generator<string> {
  const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext ?? {};
  if (runAsNonRoot !== true || !runAsUser)
    yield 'its pods may run as root. Set runAsNonRoot: true and runAsUser: 1000 in their securityContext.';
  if (!['RuntimeDefault', 'Localhost'].includes(seccompProfile?.type ?? ''))
    yield 'its pods may make every system call. Set seccompProfile to RuntimeDefault, or to a profile of the node (Localhost).';
  if (pod.hostNetwork || pod.hostPID || pod.hostIPC)
    yield 'its pods share a namespace with their node. Take hostNetwork, hostPID and hostIPC away.';
  if (pod.automountServiceAccountToken !== false)
    yield 'its pods hold a token for Kubernetes, which they never need. Set automountServiceAccountToken: false.';
  for (const { name, hostPath } of pod.volumes ?? [])
    if (hostPath !== undefined) yield `the volume ${name} is a folder of the node. Take an emptyDir.`;
}

function* confined({ name, securityContext = {}, ports = [] }: Container): Generator<string> {
  const { allowPrivilegeEscalation, capabilities, privileged, readOnlyRootFilesystem, runAsUser, seccompProfile } =
    securityContext;
  const its = `container ${name}`;
  if (privileged) yield `${its} is privileged. Take that away.`;
  if (runAsUser === 0) yield `${its} runs as root. Take its runAsUser away: the pod has one.`;
  if (seccompProfile?.type === 'Unconfined') yield `${its} may make every system call. Take its seccompProfile away.`;
  if (allowPrivilegeEscalation !== false)
    yield `${its} may gain rights by a setuid program. Set allowPrivilegeEscalation: false.`;
  if (readOnlyRootFilesystem !== true)
    yield `${its} may write into its image. Set readOnlyRootFilesystem: true; /tmp and the home are volumes.`;
  if (capabilities?.drop?.includes('ALL') !== true || (capabilities.add ?? []).length > 0)
    yield `${its} keeps capabilities. Set capabilities: { drop: [ALL] } and add none.`;
  for (const { hostPort } of ports)
    if (hostPort !== undefined) yield `${its} takes port ${hostPort} of its node. Take hostPort away.`;
}

function* stopping({ terminationGracePeriodSeconds: grace = 30 }: PodSpec): Generator<string> {
  const own = Number.parseInt(SHUTDOWN_FORCE, 10);
  if (grace <= own)
    yield `its pods are killed ${grace} s after SIGTERM, and a worker takes up to ${own} s to end what it renders. Set terminationGracePeriodSeconds to 90.`;
}

function* measured({ name, resources, image = '' }: Container): Generator<string> {
  for (const [list, what] of [
    ['requests', 'asks for no'],
    ['limits', 'has no limit of'],
  ] as const)
    for (const resource of ['cpu', 'memory', 'ephemeral-storage'])
      if (!(quantity(resources?.[list]?.[resource]) > 0))
        yield `container ${name} ${what} ${resource}. Set resources.${list}.${resource}.`;
  if (!/(:(?!latest$)[^/:]+|@sha256:[0-9a-f]{64})$/.test(image))
    yield `container ${name} takes whatever is the latest ${image}. Name a version or a digest.`;
}

function* probed(container: Container): Generator<string> {
  const { name, ports = [] } = container;
  const wanted = { startupProbe: '/ready', readinessProbe: '/ready', livenessProbe: '/live' } as const;
  for (const [probe, path] of Object.entries(wanted) as [keyof typeof wanted, string][]) {
    const asked = container[probe]?.httpGet;
    if (asked?.path !== path) yield `container ${name} has no ${probe} that asks for ${path}.`;
    else if (!ports.some((port) => port.name === asked.port || port.containerPort === asked.port))
      yield `container ${name}: its ${probe} asks at port ${asked.port}, which it does not have.`;
  }
}

function* configured(container: Container, manifests: readonly Manifest[]): Generator<string> {
  const maps = new Set(ofKind(manifests, 'ConfigMap').map(({ metadata }) => metadata.name));
  for (const { configMapRef } of container.envFrom ?? [])
    if (configMapRef && !maps.has(configMapRef.name)) yield `there is no ConfigMap ${configMapRef.name}.`;
  const variables = variablesOf(container, manifests);
  for (const [name, value] of variables) {
    if (!(name in variablesSchema.shape || OTHERS.test(name)))
      yield `nobody reads the variable ${name}. docs/configuration.md lists those that there are.`;
    if (value !== null && value !== '' && SECRET.test(name))
      yield `${name} stands in the manifest for everybody to read. Put it into a Secret.`;
  }
  const known = Object.fromEntries([...variables].filter((entry): entry is [string, string] => entry[1] !== null));
  yield* refusal(() => readEnvironment(known));
  yield* refusal(() => readTelemetry({ ...known, NIGHTREEL_METRICS_TOKEN: SOME_TOKEN }));
  for (const name of ['NIGHTREEL_HEALTH_ADDRESS', 'NIGHTREEL_TEMPORAL_METRICS_PORT', 'OTEL_EXPORTER_PROMETHEUS_PORT']) {
    const port = /\d+$/.exec(known[name] ?? '')?.[0];
    if (port !== undefined && !container.ports?.some(({ containerPort }) => containerPort === Number(port)))
      yield `${name} says ${port}, and container ${container.name} has no such port.`;
  }
  const wrong = container.args?.[container.args.indexOf('--roles') + 1]?.split(',').find((role) => !isRole(role));
  if (container.args?.includes('--roles') && wrong !== undefined)
    yield `'${wrong}' is no role of a worker. There are ${ROLES.join(', ')}.`;
}

/** What a worker with these variables would say as it starts. */
function* refusal(read: () => unknown): Generator<string> {
  try {
    read();
  } catch (error) {
    yield `its workers would not start: ${(error as Error).message}`;
  }
}

/** Where a worker writes, and what that takes. */
function* written(
  container: Container,
  pod: PodSpec,
  variables: ReadonlyMap<string, string | null>,
): Generator<string> {
  const volumeAt = (path: string) => {
    const mount = container.volumeMounts?.find(({ mountPath, readOnly }) => mountPath === path && readOnly !== true);
    return pod.volumes?.find(({ name }) => name === mount?.name)?.emptyDir;
  };
  const home = variables.get('NIGHTREEL_HOME') ?? '';
  if (home === '' || volumeAt(home) === undefined)
    yield `its workers cannot write their cache: NIGHTREEL_HOME has to be the path of an emptyDir.`;
  if (volumeAt('/tmp') === undefined) yield `its workers cannot write to /tmp. Mount an emptyDir there.`;
  if (!container.args?.includes('render')) return;
  const { cpu, memory } = container.resources?.limits ?? {};
  const slots = slotsOf(container);
  if (slots < Math.floor(quantity(cpu)))
    yield `its memory, ${memory}, has room for ${slots} browsers on ${cpu} processors. Give it 700 MiB and 430 for each.`;
  for (const [path, least] of [
    ['/tmp', '256Mi'],
    ['/dev/shm', '256Mi'],
  ] as const) {
    const volume = volumeAt(path);
    if (volume?.medium !== 'Memory' || !(quantity(volume.sizeLimit) >= quantity(least)))
      yield `what browsers draw must stay in memory: ${path} has to be an emptyDir of medium Memory of ${least} or more.`;
  }
}
