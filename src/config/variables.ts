/** Nightreel's own environment variables: what each may be and what it means. docs/reference/environment.md is written from it. */

import { z } from 'zod';
import type { Encryption } from '../storage/s3-client.ts';
import { CAPTURE_NAMES } from './capture.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const ROLLOUTS = ['auto', 'manual', 'off'] as const;
/** Who decides that batches start on a new version of the workflow code: its worker, a person, or nobody (versions are not used). */
export type Rollout = (typeof ROLLOUTS)[number];

/** Whether a bucket is part of an address's path or of its host name. */
const ADDRESSINGS = ['path', 'host'] as const;
const ON_OFF = ['on', 'off'] as const;
const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const satisfies readonly Encryption['algorithm'][];

/** Addresses are shown, in messages, reports and links; and `fetch` refuses one with a password in it, at night. */
export const hasCredentials = (address: string): boolean => /^[^:]*:\/\/[^/?#]*@/.test(address);
const url = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .refine((text) => !hasCredentials(text), 'must have no user name and password in it');
const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });

/** `8080`, `0.0.0.0:8080` or `[::]:8080`; null when it is none. */
export function readAddress(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, host, port = ''] = /^(?:(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):)?(\d+)$/i.exec(text) ?? [];
  return isPort(port) ? { host: bracketed ?? host ?? '127.0.0.1', port: Number(port) } : null;
}

export const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
/** Characters of a secret of one's own. */
export const MIN_TOKEN = 16;
const secret = z.string().min(MIN_TOKEN, { error: `must have ${MIN_TOKEN} characters or more` });
const program = z.string().optional();

export const variablesSchema = z.object({
  NIGHTREEL_PROJECT: z
    .string()
    .optional()
    .describe(
      'Folder that holds `campaigns/` and `templates/`. Without it, the repository; of an [installed package](../package.md#where-things-are), the current folder.',
    ),
  NIGHTREEL_HOME: z
    .string()
    .optional()
    .describe(
      'Folder of the embedded stack: its data, logs and credentials. Stacks with different homes run side by side. Without it, `.nightreel` in the repository; of an installed package, in the current folder.',
    ),
  NIGHTREEL_TEMPORAL_UI_URL: url.optional().describe('Where the Web UI of your own Temporal is, for links.'),
  NIGHTREEL_TRACE_URL: url
    .refine((text) => text.includes('{traceId}'), 'must have {traceId} in it, where the ID of a trace goes')
    .optional()
    .describe(
      'Address of one trace where you look at traces, with `{traceId}` in it, for the links of [`nightreel why`](../why.md): `https://jaeger.internal/trace/{traceId}`.',
    ),
  NIGHTREEL_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'is not a bucket name')
    .optional()
    .describe(
      'Your own bucket; required on AWS. Without it, the embedded store’s, or `nightreel` at an S3 server of your own.',
    ),
  NIGHTREEL_S3_ADDRESSING: oneOf(ADDRESSINGS)
    .optional()
    .describe(
      'Whether the bucket is in an address’s path (`https://host/bucket/key`) or in its host name. Without it `path`, on AWS `host`.',
    ),
  NIGHTREEL_S3_ENCRYPTION: oneOf(ENCRYPTIONS)
    .optional()
    .describe('What every object is encrypted with. Without it, as the bucket’s own setting says.'),
  NIGHTREEL_S3_KMS_KEY: z.string().optional().describe('With KMS: the key’s ID, ARN or alias.'),
  NIGHTREEL_UPLOAD_DIRECT: oneOf(ON_OFF)
    .default('on')
    .describe(
      '`off`: videos go to the store from a temporary file, when all of it is made. `--upload-direct` comes first. See [storage](../storage.md#from-the-encoder-to-the-store).',
    ),
  NIGHTREEL_PUBLIC_URL: url
    .optional()
    .describe(
      'What comes before an object’s key where viewers can read it, for example [a CDN](../cdn.md). Without it links in pointers and reports are `s3://bucket/key`.',
    ),
  NIGHTREEL_REPORT_URL: url
    .optional()
    .describe(
      'What comes before an object’s key where staff can read `batches/`, which [a CDN](../cdn.md#links-to-reports) does not serve: for links to reports and to what failures left. Without it `NIGHTREEL_PUBLIC_URL`.',
    ),
  NIGHTREEL_PAYLOAD_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'File of the keys that [payloads in Temporal are encrypted with](../encryption.md), readable by its owner and group alone. Without it, and the next one, they are not encrypted.',
    ),
  NIGHTREEL_PAYLOAD_KEYS: z.string().optional().describe('The same keys themselves, as in the file. A secret.'),
  NIGHTREEL_CODEC_TOKEN: secret
    .optional()
    .describe(
      'The token that whoever asks [`nightreel codec serve`](../encryption.md#codec-server) must have; required where others can reach it. A secret.',
    ),
  NIGHTREEL_CHROMIUM: program.describe('Any Chromium or Chrome. Without it, the one on PATH.'),
  NIGHTREEL_HEADLESS_SHELL: program.describe('chrome-headless-shell. Without it, the one on PATH.'),
  NIGHTREEL_XVFB: program.describe('Xvfb. Without it, the one on PATH.'),
  NIGHTREEL_FFMPEG: program.describe(
    'ffmpeg. Without it, the one on PATH. `nightreel doctor` says which programs are found and whether they work.',
  ),
  NIGHTREEL_CAPTURE: oneOf(CAPTURE_NAMES)
    .default('auto')
    .describe(
      'How frames are captured: `auto` takes the fastest that works. `--capture` comes first. The pixels are the same.',
    ),
  NIGHTREEL_POSTGRES_URL: z
    .string()
    .optional()
    .describe(
      'Connection string of a PostgreSQL source that names no other variable in `source.urlFrom`. Without it `PG*` and `~/.pgpass`.',
    ),
  NIGHTREEL_ROLLOUT: oneOf(ROLLOUTS)
    .default('auto')
    .describe(
      'Whether batches start on a [new version](../deploying.md) once a worker has it (`auto`) or when a person says so (`manual`); `off`: no versions.',
    ),
  NIGHTREEL_SLACK_WEBHOOK: url
    .optional()
    .describe(
      'Address of a Slack app’s incoming webhook, where [digests](../digest.md) of closed batches are posted. A secret: it is shown nowhere.',
    ),
  NIGHTREEL_WEBHOOK: url
    .optional()
    .describe('Any other address, which gets the digest as JSON. Goes with the next one.'),
  NIGHTREEL_WEBHOOK_SECRET: secret
    .optional()
    .describe('The secret [that it is signed with](../digest.md#a-webhook-of-your-own).'),
  NIGHTREEL_LOG_LEVEL: oneOf(LOG_LEVELS).default('info').describe('From which level on there are lines in the log.'),
  NIGHTREEL_HEALTH_ADDRESS: z
    .string()
    .refine((text) => readAddress(text) !== null, 'must be a port, or a host and a port, for example 0.0.0.0:8080')
    .optional()
    .describe(
      'Where each worker process answers `/live` and `/ready`, for [probes](../kubernetes.md#probes): a port, on loopback then, or `host:port`. Without it nowhere.',
    ),
  NIGHTREEL_TEMPORAL_METRICS_PORT: z
    .string()
    .refine(isPort, 'must be a port from 1 to 65535')
    .optional()
    .describe(
      'A port, 1 to 65535, at which each worker process serves [Temporal’s own metrics](../observability.md#metrics). Without it they go where the others are pushed.',
    ),
  NIGHTREEL_METRICS_TOKEN: secret
    .optional()
    .describe(
      'What Prometheus has to show for [metrics](../observability.md#who-may-scrape), as `Authorization: Bearer …`. Required where other machines can ask for them.',
    ),
  NIGHTREEL_METRICS_TOKEN_FILE: z.string().optional().describe('A file that holds it; comes first.'),
});

/** Those that are set, checked. */
export type OwnVariables = z.infer<typeof variablesSchema>;
