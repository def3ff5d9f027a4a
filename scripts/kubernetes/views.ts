/** The parts of manifests that the rules look at, once their schemas have found nothing wrong. */

import type { Labels, Manifest } from './manifests.ts';

export interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port: number | string };
}
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources?: Partial<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly runAsUser?: number;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
    readonly seccompProfile?: { readonly type: string };
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
  readonly hostPath?: unknown;
}
export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string; readonly localhostProfile?: string };
  };
  readonly topologySpreadConstraints?: readonly { readonly labelSelector?: Selector }[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
}
export interface Selector {
  readonly matchLabels?: Labels;
}
export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: Selector;
    readonly template: { readonly metadata?: { readonly labels?: Labels }; readonly spec: PodSpec };
  };
}
export interface Selecting extends Manifest {
  readonly spec: { readonly selector: Selector };
}
export interface Endpoint {
  readonly port?: string;
  readonly authorization?: { readonly credentials?: { readonly name?: string } };
}
export interface PodMonitor extends Selecting {
  readonly spec: { readonly selector: Selector; readonly podMetricsEndpoints: readonly Endpoint[] };
}
export interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
}
export interface Passage {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port?: number | string }[];
}
export interface NetworkPolicy extends Manifest {
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly Passage[];
    readonly egress?: readonly Passage[];
  };
}
export interface ScaledObject extends Manifest {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly minReplicaCount?: number;
    readonly maxReplicaCount?: number;
    readonly triggers: readonly { readonly type: string; readonly metadata: Readonly<Record<string, string>> }[];
  };
}
export interface ConfigMap extends Manifest {
  readonly data?: Readonly<Record<string, string>>;
}
export interface ExternalSecret extends Manifest {
  readonly spec: {
    readonly target?: { readonly name?: string };
    readonly data?: readonly { readonly secretKey: string }[];
  };
}

/** All of one kind. */
export const ofKind = <T extends Manifest>(manifests: readonly Manifest[], kind: string): T[] =>
  manifests.filter((manifest): manifest is T => manifest.kind === kind);

export const labelsOf = ({ spec }: Deployment): Labels => spec.template.metadata?.labels ?? {};

/** An empty selector takes everything. */
export const selects = ({ matchLabels = {} }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value);

/** All variables of a container but those of Secrets that nobody here makes; of these and of a made one, the value is not known. */
export function variablesOf(container: Container, manifests: readonly Manifest[]): Map<string, string | null> {
  const variables = new Map<string, string | null>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    const map = ofKind<ConfigMap>(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === configMapRef?.name);
    for (const [name, value] of Object.entries(map?.data ?? {})) variables.set(name, value);
    for (const { secretKey } of secretNamed(secretRef?.name, manifests)?.spec.data ?? [])
      variables.set(secretKey, null);
  }
  for (const { name, value } of container.env ?? []) variables.set(name, value ?? null);
  return variables;
}

const secretNamed = (name: string | undefined, manifests: readonly Manifest[]): ExternalSecret | undefined =>
  ofKind<ExternalSecret>(manifests, 'ExternalSecret').find(
    ({ metadata, spec }) => name !== undefined && (spec.target?.name ?? metadata.name) === name,
  );

const UNITS = { '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 } as const;

/** A quantity as a number, `512Mi` or `500m`; NaN when it is none. */
export function quantity(text: string | undefined): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kMG]i?|Ki|m)?$/.exec(text ?? '') ?? [];
  return Number(number) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN);
}
