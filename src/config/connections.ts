/** Which servers a command works with: the user's own where the environment names them, else the embedded stack. */

import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { ConnectionOptions } from '@temporalio/client';
import { Failure } from '../contracts/failures.ts';
import type { KeyRing } from '../encryption/key-ring.ts';
import { stackHome } from '../stack/home.ts';
import { findParts, type PartName, type StackObjectStore, type StackTemporal } from '../stack/index.ts';
import type { Encryption } from '../storage/s3-client.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { readPayloadKeys } from './payload-keys.ts';

export interface TemporalTarget {
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
  /** Null when nobody said where the Web UI is. */
  readonly uiUrl: string | null;
  /** What its payloads are encrypted with. */
  readonly payloadKeys: KeyRing;
  readonly embedded: boolean;
}

export interface ObjectStoreTarget {
  readonly clientConfig: S3ClientConfig;
  readonly bucket: string;
  /** What comes before a key, without the slash, where videos can be read without credentials; null: links are `s3://bucket/key`. */
  readonly publicBaseUrl: string | null;
  /** The same where staff can read `batches/`; null: where everybody reads. */
  readonly reportBaseUrl: string | null;
  /** Null: as the bucket's own setting says. */
  readonly encryption: Encryption | null;
  readonly embedded: boolean;
}

export interface Connections {
  readonly temporal: TemporalTarget;
  readonly s3: ObjectStoreTarget;
  readonly home: string;
  /** The embedded warehouse: a DuckDB file that may not exist yet. */
  readonly warehousePath: string;
}

/** The servers that the environment leaves to the embedded stack. */
export const embeddedParts = ({ temporal, s3 }: Environment): readonly PartName[] => [
  ...(temporal ? [] : (['temporal'] as const)),
  ...(s3 ? [] : (['seaweedfs'] as const)),
];

/** Where the servers are; null for an embedded one that does not run. Asks none of them whether it answers. */
export async function findTargets(
  environment: Environment,
): Promise<{ readonly temporal: TemporalTarget | null; readonly s3: ObjectStoreTarget | null }> {
  const { temporal, s3 } = environment;
  const payloadKeys = await readPayloadKeys(environment.variables);
  const parts = temporal && s3 ? null : await findParts(environment.home);
  return {
    temporal: temporal
      ? { ...temporal, payloadKeys, embedded: false }
      : parts?.temporal
        ? { ...embeddedTemporal(parts.temporal), payloadKeys }
        : null,
    s3: s3 ? { ...s3, embedded: false } : parts?.s3 ? embeddedObjectStore(parts.s3) : null,
  };
}

/** The same when both are needed: `TemporalUnavailable` or `StorageUnavailable` when one is embedded and does not run. */
export async function resolveConnections(environment: Environment = readEnvironment()): Promise<Connections> {
  const { temporal, s3 } = await findTargets(environment);
  if (!temporal) {
    throw new Failure(
      'TemporalUnavailable',
      'No Temporal server: start the embedded one with `nightreel up`, or set TEMPORAL_ADDRESS to your own.',
    );
  }
  if (!s3) {
    throw new Failure(
      'StorageUnavailable',
      'No object store: start the embedded one with `nightreel up`, or set NIGHTREEL_BUCKET to your own.',
    );
  }
  return { temporal, s3, home: environment.home, warehousePath: stackHome(environment.home).warehouse };
}

const embeddedTemporal = ({ address, namespace, uiUrl }: StackTemporal): Omit<TemporalTarget, 'payloadKeys'> => ({
  connectionOptions: { address },
  namespace,
  uiUrl,
  embedded: true,
});

const embeddedObjectStore = (store: StackObjectStore): ObjectStoreTarget => ({
  clientConfig: {
    endpoint: store.endpoint,
    region: store.region,
    forcePathStyle: true,
    credentials: { accessKeyId: store.accessKeyId, secretAccessKey: store.secretAccessKey },
  },
  bucket: store.bucket,
  publicBaseUrl: store.publicBaseUrl,
  reportBaseUrl: null,
  encryption: null,
  embedded: true,
});
