/**
 * The environment variables as typed, checked values: which servers are meant, where the state lies. docs/configuration.md
 * has all of them.
 */

import { join, resolve } from 'node:path';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Failure } from '../contracts/failures.ts';
import type { Webhooks } from '../reporting/digest/webhooks.ts';
import type { Encryption } from '../storage/s3-client.ts';
import type { HealthAddress } from '../telemetry/health.ts';
import { workingFolder } from './package.ts';
import {
  hasCredentials,
  type LogLevel,
  type OwnVariables,
  type Rollout,
  readAddress,
  variablesSchema,
} from './variables.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** A Temporal server of the user's own. */
export interface OwnTemporal {
  /** The variable that says so. */
  readonly namedBy: string;
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
  readonly uiUrl: string | null;
}

/** An object store of the user's own; credentials come from the AWS SDK's default chain. */
export interface OwnObjectStore {
  readonly namedBy: string;
  readonly clientConfig: S3ClientConfig;
  readonly bucket: string;
  readonly publicBaseUrl: string | null;
  readonly reportBaseUrl: string | null;
  /** Null: as the bucket's own setting says. */
  readonly encryption: Encryption | null;
}

export interface Environment {
  /** Absolute path of the folder that holds the embedded stack's state. */
  readonly home: string;
  /** Null: the embedded server is meant. */
  readonly temporal: OwnTemporal | null;
  /** Null: the embedded server is meant. */
  readonly s3: OwnObjectStore | null;
  readonly logLevel: LogLevel;
  readonly rollout: Rollout;
  readonly uploadDirect: boolean;
  /** Where a worker process tells its health; null: nowhere. */
  readonly health: HealthAddress | null;
  readonly webhooks: Webhooks;
  /** Address of one trace, with `{traceId}` where its ID goes; null: nobody said where traces are looked at. */
  readonly traceUrl: string | null;
  /** All that are set: sources name some of them for their credentials. */
  readonly variables: Variables;
}

const TEMPORAL_VARIABLES = /^TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|PROFILE|CONFIG_FILE|TLS(_\w+)?|GRPC_META_\w+)$/;
/** A region alone does not say that S3 is meant: many shells have one. */
const S3_VARIABLES =
  /^(NIGHTREEL_BUCKET|AWS_ENDPOINT_URL(_S3)?|AWS_ACCESS_KEY_ID|AWS_PROFILE|AWS_WEB_IDENTITY_TOKEN_FILE|AWS_CONTAINER_CREDENTIALS_\w+)$/;
const ENDPOINTS = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'] as const;
const DEFAULT_BUCKET = 'nightreel';

/** Reads the variables; an empty one counts as unset. `Failure('EnvironmentInvalid')` names the one that is wrong. */
export function readEnvironment(variables: Variables = process.env): Environment {
  const set = Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
  const parsed = variablesSchema.safeParse(set);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Failure('EnvironmentInvalid', `${issue?.path.join('.')} ${issue?.message}.`);
  }
  const settings = parsed.data;
  return {
    home: resolve(settings.NIGHTREEL_HOME ?? join(workingFolder(), '.nightreel')),
    temporal: readTemporal(set, settings),
    s3: readObjectStore(set, settings),
    logLevel: settings.NIGHTREEL_LOG_LEVEL,
    rollout: settings.NIGHTREEL_ROLLOUT,
    uploadDirect: settings.NIGHTREEL_UPLOAD_DIRECT === 'on',
    health: settings.NIGHTREEL_HEALTH_ADDRESS === undefined ? null : readAddress(settings.NIGHTREEL_HEALTH_ADDRESS),
    webhooks: readWebhooks(settings),
    traceUrl: settings.NIGHTREEL_TRACE_URL ?? null,
    variables: set,
  };
}

const firstOf = (set: Readonly<Record<string, string>>, pattern: RegExp): string | undefined =>
  Object.keys(set)
    .sort()
    .find((name) => pattern.test(name));

function readTemporal(set: Readonly<Record<string, string>>, settings: OwnVariables): OwnTemporal | null {
  const namedBy = firstOf(set, TEMPORAL_VARIABLES);
  if (namedBy === undefined) return null;
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: { ...set } });
    const { address = 'localhost:7233', tls, apiKey, metadata } = connectionOptions;
    if (address.includes('@')) throw new TypeError('the address must be HOST:PORT, without a user name or a password.');
    return {
      namedBy,
      connectionOptions: { address, tls, apiKey, metadata },
      namespace: namespace ?? 'default',
      uiUrl: settings.NIGHTREEL_TEMPORAL_UI_URL?.replace(/\/+$/, '') ?? null,
    };
  } catch (cause) {
    // Behind the first line an error of TOML shows the file around the mistake, where the API key may stand.
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    const at = cause instanceof Error && 'line' in cause ? ` (line ${cause.line} of the profile's file)` : '';
    throw new Failure('EnvironmentInvalid', `The TEMPORAL_* variables do not make a connection: ${reason}${at}`);
  }
}

function readObjectStore(set: Readonly<Record<string, string>>, settings: OwnVariables): OwnObjectStore | null {
  const namedBy = firstOf(set, S3_VARIABLES);
  if (namedBy === undefined) return null;
  const [endpointBy = '', endpoint] = ENDPOINTS.flatMap((name) => (set[name] === undefined ? [] : [name, set[name]]));
  if (endpoint !== undefined && hasCredentials(endpoint)) {
    throw new Failure(
      'EnvironmentInvalid',
      `${endpointBy} must have no user name and password in it: S3 takes them from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  }
  // On AWS bucket names are everybody's: a default would be some stranger's bucket.
  const bucket = settings.NIGHTREEL_BUCKET ?? (endpoint === undefined ? undefined : DEFAULT_BUCKET);
  if (bucket === undefined) {
    throw new Failure(
      'EnvironmentInvalid',
      `${namedBy} is set, so your own S3 is meant, but no bucket is named. Set NIGHTREEL_BUCKET, or unset ${namedBy} to use the embedded server.`,
    );
  }
  const { NIGHTREEL_S3_ADDRESSING: addressing } = settings;
  const region = set['AWS_REGION'] ?? set['AWS_DEFAULT_REGION'];
  // Servers other than AWS mostly do not care, but the SDK wants one; a profile brings its own.
  const fallback = endpoint !== undefined && set['AWS_PROFILE'] === undefined ? 'us-east-1' : undefined;
  return {
    namedBy,
    clientConfig: {
      ...(endpoint !== undefined && { endpoint }),
      ...((endpoint !== undefined || addressing !== undefined) && { forcePathStyle: addressing !== 'host' }),
      ...(region === undefined && fallback === undefined ? {} : { region: region ?? fallback }),
    },
    bucket,
    publicBaseUrl: settings.NIGHTREEL_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    reportBaseUrl: settings.NIGHTREEL_REPORT_URL?.replace(/\/+$/, '') ?? null,
    encryption: readEncryption(settings),
  };
}

function readEncryption(settings: OwnVariables): Encryption | null {
  const algorithm = settings.NIGHTREEL_S3_ENCRYPTION;
  const kmsKey = settings.NIGHTREEL_S3_KMS_KEY ?? null;
  if (kmsKey !== null && (algorithm === undefined || algorithm === 'AES256')) {
    throw new Failure(
      'EnvironmentInvalid',
      'NIGHTREEL_S3_KMS_KEY goes with NIGHTREEL_S3_ENCRYPTION=aws:kms or aws:kms:dsse. Set that too, or unset the key.',
    );
  }
  return algorithm === undefined ? null : { algorithm, kmsKey };
}

function readWebhooks(settings: OwnVariables): Webhooks {
  const { NIGHTREEL_SLACK_WEBHOOK: slack, NIGHTREEL_WEBHOOK: url, NIGHTREEL_WEBHOOK_SECRET: secret } = settings;
  if (url !== undefined && secret === undefined) {
    throw new Failure(
      'EnvironmentInvalid',
      'NIGHTREEL_WEBHOOK goes with NIGHTREEL_WEBHOOK_SECRET, with which what is sent there is signed. Set that too.',
    );
  }
  return { slack: slack ?? null, own: url === undefined || secret === undefined ? null : { url, secret } };
}
