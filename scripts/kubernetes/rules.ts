/** What manifests must say together: that selectors find somebody, who may talk to whom, and that KEDA asks for a queue that is served. */

import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { ROLES } from '../../src/workers/roles.ts';
import { type Manifest, nameOf } from './manifests.ts';
import { podFaults, rolesOf } from './pod-rules.ts';
import { schemaFaults, TRIGGER } from './schemas.ts';
import {
  type Deployment,
  type Endpoint,
  labelsOf,
  type NetworkPolicy,
  ofKind,
  type Passage,
  type PodMonitor,
  type ScaledObject,
  type Selecting,
  selects,
  variablesOf,
} from './views.ts';

/** A sentence for everything that is wrong, what to do included; none when all is well. */
export function faultsOf(manifests: readonly Manifest[]): string[] {
  const wrong = manifests.flatMap(schemaFaults);
  if (wrong.length > 0) return wrong;
  const deployments = ofKind<Deployment>(manifests, 'Deployment');
  const cluster: Cluster = { manifests, deployments };
  return [
    ...deployments.flatMap((deployment) => podFaults(deployment, manifests)),
    ...together(cluster),
    ...accounts(cluster),
    ...disruption(cluster),
    ...network(cluster),
    ...scaling(cluster),
    ...monitoring(cluster),
  ];
}

interface Cluster {
  readonly manifests: readonly Manifest[];
  readonly deployments: readonly Deployment[];
}

function* together({ manifests, deployments }: Cluster): Generator<string> {
  const served = new Set(deployments.flatMap(rolesOf));
  for (const role of ROLES)
    if (!served.has(role)) yield `No Deployment serves the role ${role}: a night would wait for one.`;
  for (const deployment of deployments) {
    const { selector, template } = deployment.spec;
    if (!selects(selector, labelsOf(deployment)))
      yield `${nameOf(deployment)}: its selector does not find its own pods.`;
    for (const { labelSelector = {} } of template.spec.topologySpreadConstraints ?? [])
      if (!selects(labelSelector, labelsOf(deployment)))
        yield `${nameOf(deployment)}: a topologySpreadConstraint does not find its own pods, so nothing is spread.`;
    if ((template.spec.topologySpreadConstraints ?? []).length === 0)
      yield `${nameOf(deployment)}: all its pods may be on one node. Give it topologySpreadConstraints.`;
  }
  const namespaces = ofKind<Manifest>(manifests, 'Namespace');
  for (const namespace of new Set(deployments.map(({ metadata }) => metadata.namespace))) {
    const labels = namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels ?? {};
    if (labels['pod-security.kubernetes.io/enforce'] !== 'restricted')
      yield `Namespace ${namespace} takes pods that are not confined. Label it pod-security.kubernetes.io/enforce: restricted.`;
  }
}

function* accounts({ manifests, deployments }: Cluster): Generator<string> {
  const known = ofKind<Manifest>(manifests, 'ServiceAccount');
  const used = deployments.map(({ spec }) => spec.template.spec.serviceAccountName);
  for (const [at, name] of used.entries()) {
    const account = known.find(({ metadata }) => metadata.name === name);
    if (account === undefined)
      yield `Deployment ${deployments[at]?.metadata.name}: there is no ServiceAccount ${name}.`;
    if (used.indexOf(name) !== at) yield `ServiceAccount ${name} is shared, and with it the rights of all who have it.`;
  }
}

function* disruption({ manifests, deployments }: Cluster): Generator<string> {
  const budgets = ofKind<Selecting>(manifests, 'PodDisruptionBudget');
  yield* idle(budgets, deployments);
  for (const deployment of deployments)
    if (!budgets.some(({ spec }) => selects(spec.selector, labelsOf(deployment))))
      yield `${nameOf(deployment)}: all its pods may be drained at once. Give it a PodDisruptionBudget.`;
}

/** Whatever selects nobody has a typing error in it. */
function* idle(selecting: readonly Selecting[], deployments: readonly Deployment[]): Generator<string> {
  for (const each of selecting)
    if (!deployments.some((deployment) => selects(each.spec.selector, labelsOf(deployment))))
      yield `${nameOf(each)}: its selector finds no pods.`;
}

function* network({ manifests, deployments }: Cluster): Generator<string> {
  const policies = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy');
  const closes = ({ spec }: NetworkPolicy, type: string): boolean =>
    Object.keys(spec.podSelector).length === 0 &&
    (spec.policyTypes?.includes(type) ?? false) &&
    !(type === 'Egress' ? spec.egress : spec.ingress)?.length;
  for (const type of ['Ingress', 'Egress'])
    if (!policies.some((policy) => closes(policy, type)))
      yield `No NetworkPolicy closes ${type} for every pod: what none is about is open. Add one with an empty podSelector.`;
  yield* idle(
    policies.map((policy) => ({ ...policy, spec: { selector: policy.spec.podSelector } })),
    deployments,
  );
  for (const deployment of deployments) {
    const about = policies.filter(({ spec }) => selects(spec.podSelector, labelsOf(deployment)));
    const out = about.flatMap(({ metadata, spec }) => (spec.egress ?? []).map((passage) => ({ passage, metadata })));
    for (const { passage, metadata } of out)
      yield* passageFaults(passage, `NetworkPolicy ${metadata.name}`, rolesOf(deployment).includes('render'));
    if (!out.some(({ passage }) => passage.ports?.some(({ port }) => port === 53)))
      yield `${nameOf(deployment)}: no NetworkPolicy lets its pods ask for names (port 53).`;
    for (const { metadata, spec } of about)
      for (const { port } of (spec.ingress ?? []).flatMap(({ ports = [] }) => ports))
        if (typeof port === 'string' && !portsOf(deployment).has(port))
          yield `NetworkPolicy ${metadata.name}: the pods of ${nameOf(deployment)} have no port ${port}.`;
  }
}

function* passageFaults({ to = [], ports = [] }: Passage, policy: string, renders: boolean): Generator<string> {
  if (to.length === 0 || ports.length === 0) yield `${policy} lets pods out to every address or port. Name both.`;
  for (const { ipBlock } of to) {
    const [, bits = 32] = (ipBlock?.cidr ?? '').split('/').map(Number);
    if (renders && ipBlock !== undefined && bits < 8)
      yield `${policy} lets pods that render out to ${ipBlock.cidr}. They reach Temporal and the object store, and nobody else.`;
    if (bits < 8 && !ipBlock?.except?.includes('169.254.0.0/16'))
      yield `${policy} lets pods ask for their node's own credentials. Except 169.254.0.0/16.`;
  }
}

const portsOf = ({ spec }: Deployment): ReadonlySet<string | undefined> =>
  new Set(spec.template.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)));

function* scaling({ manifests, deployments }: Cluster): Generator<string> {
  const scaled = ofKind<ScaledObject>(manifests, 'ScaledObject');
  for (const object of scaled) {
    const name = nameOf(object);
    const { scaleTargetRef, triggers } = object.spec;
    const target = deployments.find(({ metadata }) => metadata.name === scaleTargetRef.name);
    if (target === undefined) {
      yield `${name}: there is no Deployment ${scaleTargetRef.name}.`;
      continue;
    }
    if (target.spec.replicas !== undefined)
      yield `${nameOf(target)}: whoever applies it undoes what KEDA has scaled. Take its replicas away.`;
    const [worker] = target.spec.template.spec.containers;
    const variables = worker === undefined ? new Map() : variablesOf(worker, manifests);
    for (const { type, metadata } of triggers) {
      if (type !== 'temporal') continue;
      yield* triggerFaults(metadata, variables).map((fault) => `${name}: ${fault}`);
      const served = rolesOf(target).map((role) => TASK_QUEUES[role]) as string[];
      if (!served.includes(metadata['taskQueue'] ?? ''))
        yield `${name} counts what waits on the task queue '${metadata['taskQueue']}', which the pods that it starts do not serve.`;
      if (metadata['queueTypes'] !== 'activity')
        yield `${name}: what waits for a browser are activities. Set queueTypes: activity.`;
    }
  }
  for (const deployment of deployments)
    if (
      rolesOf(deployment).includes('render') &&
      !scaled.some(({ spec }) => spec.scaleTargetRef.name === deployment.metadata.name)
    )
      yield `${nameOf(deployment)}: nobody scales it. Give it a ScaledObject.`;
}

function triggerFaults(metadata: Readonly<Record<string, string>>, variables: ReadonlyMap<string, unknown>): string[] {
  const faults: string[] = [];
  const version = `KEDA ${TRIGGER.kedaVersion === 'main' ? '2.21' : TRIGGER.kedaVersion}`;
  for (const [name, value] of Object.entries(metadata)) {
    const plain = name.replace(/FromEnv$/, '');
    const known = TRIGGER.parameters.find((parameter) => parameter.name === plain);
    const readable = plain === name ? known?.metadataVariableReadable : known?.envVariableReadable;
    if (known === undefined || !readable) faults.push(`${version} does not know '${name}' of the trigger temporal.`);
    else if (known.deprecated !== undefined) faults.push(`${version} takes no notice of '${name}' any more.`);
    if (plain !== name && !variables.has(value) && plain !== 'apiKey')
      faults.push(`the pods have no variable ${value}, which ${name} reads.`);
  }
  for (const needed of ['endpoint', 'taskQueue'])
    if (!(needed in metadata || `${needed}FromEnv` in metadata)) faults.push(`its trigger needs '${needed}'.`);
  return faults;
}

function* monitoring({ manifests, deployments }: Cluster): Generator<string> {
  const monitors = ofKind<PodMonitor>(manifests, 'PodMonitor');
  yield* idle(monitors, deployments);
  for (const deployment of deployments) {
    const about = monitors.filter(({ spec }) => selects(spec.selector, labelsOf(deployment)));
    if (about.length === 0) yield `${nameOf(deployment)}: no PodMonitor asks its pods for metrics.`;
    for (const monitor of about)
      for (const endpoint of monitor.spec.podMetricsEndpoints)
        yield* endpointFaults(endpoint, deployment, nameOf(monitor));
  }
}

function* endpointFaults(
  { port, authorization }: Endpoint,
  deployment: Deployment,
  monitor: string,
): Generator<string> {
  const pods = `the pods of ${nameOf(deployment)}`;
  if (!portsOf(deployment).has(port)) yield `${monitor}: ${pods} have no port ${port}.`;
  const secrets = deployment.spec.template.spec.containers.flatMap(({ envFrom = [] }) =>
    envFrom.map(({ secretRef }) => secretRef?.name),
  );
  if (!secrets.includes(authorization?.credentials?.name ?? ''))
    yield `${monitor} asks at port ${port} without a token of a Secret that ${pods} have. Give it an authorization.`;
}
