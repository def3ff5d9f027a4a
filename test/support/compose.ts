/** docker-compose.yml as Compose understands it, and what must hold for it beside its schema. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { z } from 'zod';
import { readEnvironment, type Variables } from '../../src/config/environment.ts';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { variablesSchema } from '../../src/config/variables.ts';
import { asFailure } from '../../src/contracts/failures.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const COMPOSE_FILE = join(ROOT, 'docker-compose.yml');

const words = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const dependency = z.object({ condition: z.string() });
const limits = z.object({ cpus: z.string().optional(), memory: z.string().optional(), pids: z.number().optional() });

const service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string(), target: z.string() }).optional(),
  user: z.string().optional(),
  entrypoint: words.optional(),
  command: words.default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  restart: z.string().optional(),
  stop_grace_period: z.string().default('10s'),
  shm_size: z.string().optional(),
  healthcheck: z.object({ test: words }).optional(),
  deploy: z.object({ resources: z.object({ limits }) }).optional(),
  depends_on: z.record(z.string(), dependency).default({}),
  'x-no-healthcheck': z.string().optional(),
  'x-writable': z.string().optional(),
});
export type ComposeService = z.infer<typeof service>;

const composeFile = z.object({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.unknown()),
  volumes: z.record(z.string(), z.unknown()),
});
export type Compose = z.infer<typeof composeFile>;

const REFERENCE = /\$(?:\$|\{(\w+)(?::([?-])([^}]*))?\})/g;

/** Puts the variables in, as Compose does: `${NAME:?what to do}`, `${NAME:-default}`, `$$`. */
function interpolate(value: unknown, variables: Variables): unknown {
  if (Array.isArray(value)) return value.map((one) => interpolate(one, variables));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, interpolate(one, variables)]));
  }
  if (typeof value !== 'string') return value;
  return value.replaceAll(REFERENCE, (whole, name?: string, kind?: string, rest = '') => {
    if (name === undefined) return '$';
    const given = variables[name] || undefined;
    if (given === undefined && kind === '?') throw new Error(`${name}: ${rest}`);
    return given ?? (kind === '-' ? rest : whole);
  });
}

const raw = (text: string): unknown => parse(text, { merge: true });

/** Throws the sentence of a variable that is missing, as `docker compose` prints it. */
export const readCompose = (text: string, variables: Variables): Compose =>
  composeFile.parse(interpolate(raw(text), variables));

/** The variables of a .env file. */
export const variablesIn = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

export const ENV_SCRIPT = join(ROOT, 'scripts/compose-env.sh');

/** What `scripts/compose-env.sh` writes into .env. */
export async function freshVariables(): Promise<Record<string, string>> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-env-'));
  const path = join(folder.path, '.env');
  await promisify(execFile)(ENV_SCRIPT, [path]);
  return variablesIn(await readFile(path, 'utf8'));
}

/** docker-compose.yml with such variables. */
export const freshCompose = async (): Promise<Compose> =>
  readCompose(await readFile(COMPOSE_FILE, 'utf8'), await freshVariables());

const schemaErrors = async (file: unknown): Promise<string[]> => {
  const schema = JSON.parse(await readFile(join(ROOT, 'test/fixtures/compose-spec/compose-spec.json'), 'utf8'));
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const isValid = ajv.compile(schema);
  if (isValid(file)) return [];
  return (isValid.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${Object.values(params).join(' ')}`.trim(),
  );
};

/** What the pages for operators name: the variables that Nightreel and the libraries in it read. */
async function documentedVariables(): Promise<string> {
  const pages = ['docs/configuration.md', 'docs/observability.md'].map((name) => readFile(join(ROOT, name), 'utf8'));
  return (await Promise.all(pages)).join('\n');
}

const PINNED = /:v?\d+\.\d+(\.\d+)?(-[\w.]+)?(@sha256:[0-9a-f]{64})?$/;
const SECRET = /(PASSWORD|PWD|SECRET\w*|TOKEN|IDENTITIES|URL)$/;
const lasts = ({ restart }: ComposeService): boolean => restart === 'always' || restart === 'unless-stopped';
const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1] ?? 0);

/** Longer than a worker waits for its renders, and for their end by force. */
const WORKER_GRACE_S = 80;

/** What is wrong with the file: a sentence for each, none for one that is right. `variables`: what its .env holds. */
export async function composeFindings(text: string, variables: Variables): Promise<string[]> {
  const file = raw(text);
  const errors = await schemaErrors(file);
  if (errors.length > 0) return errors;
  const references = [...text.replaceAll(/^\s*#.*$/gm, '').matchAll(REFERENCE)].flatMap(([whole, name, kind]) => {
    if (name === undefined) return [];
    if (kind === undefined) return [`${whole}: say what to do where it is not set, with \${${name}:?…}`];
    return variables[name] === undefined ? [`${name} is not written by scripts/compose-env.sh`] : [];
  });
  if (references.length > 0) return references;
  const { services, networks, volumes } = readCompose(text, variables);
  const documented = await documentedVariables();
  return [
    ...Object.entries(services).flatMap(([name, one]) => [
      ...confinement(name, one),
      ...places(name, one, { networks, volumes }),
      ...dependencies(name, one, services),
      ...secrets(name, one, composeFile.parse(file).services[name]?.environment ?? {}, variables),
      ...(one.build === undefined ? [] : ofNightreel(name, one, documented)),
    ]),
    ...Object.keys(volumes)
      .filter((volume) => !Object.values(services).some((one) => one.volumes.some((at) => at.startsWith(`${volume}:`))))
      .map((volume) => `the volume ${volume} is used by no service`),
  ];
}

function confinement(name: string, one: ComposeService): string[] {
  const { cpus, memory, pids } = one.deploy?.resources.limits ?? {};
  const isRoot = one.user === undefined ? one.build === undefined : /^(root|0)(:|$)/.test(one.user);
  return [
    ...(PINNED.test(one.image) ? [] : [`${name}: the image ${one.image} is not pinned to an exact version`]),
    ...(isRoot ? [`${name} says no user, or root`] : []),
    ...(one.cap_drop.includes('ALL') ? [] : [`${name} keeps capabilities: cap_drop: [ALL]`]),
    ...(one.security_opt.includes('no-new-privileges:true') ? [] : [`${name} lacks no-new-privileges:true`]),
    ...(one.read_only || one['x-writable'] ? [] : [`${name} may write to its root file system and does not say why`]),
    ...(cpus && memory && pids ? [] : [`${name} has no limit for cpus, memory and pids`]),
    ...one.ports
      .filter((port) => !port.startsWith('127.0.0.1:'))
      .map((port) => `${name}: the port ${port} is not on 127.0.0.1`),
    ...(one.restart === undefined ? [`${name} does not say whether it is started again`] : []),
    ...(lasts(one) && one.healthcheck === undefined && !one['x-no-healthcheck']
      ? [`${name} has no health check and does not say why`]
      : []),
  ];
}

/** Files and folders of this repository, volumes and networks that it names. */
function places(name: string, one: ComposeService, { networks, volumes }: Omit<Compose, 'services'>): string[] {
  const files = [
    ...one.volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => /^[./]/.test(source)),
    ...one.security_opt.flatMap((option) => /^seccomp[:=](.+)$/.exec(option)?.[1] ?? []),
    ...(one.build === undefined ? [] : [join(one.build.context, one.build.dockerfile)]),
  ];
  const named = one.volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !/^[./]/.test(source));
  return [
    ...files.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${name}: there is no ${path}`),
    ...one.volumes
      .filter((volume) => /^[./]/.test(volume) && !volume.endsWith(':ro'))
      .map((volume) => `${name} may write to ${volume}`),
    ...named.filter((volume) => !(volume in volumes)).map((volume) => `${name}: there is no volume ${volume}`),
    ...one.networks
      .filter((network) => !(network in networks))
      .map((network) => `${name}: there is no network ${network}`),
    ...(one.networks.length === 0 ? [`${name} says no network`] : []),
  ];
}

function dependencies(name: string, one: ComposeService, services: Compose['services']): string[] {
  return Object.entries(one.depends_on).flatMap(([other, { condition }]) => {
    const needed = services[other];
    if (needed === undefined) return [`${name} depends on ${other}, which is no service`];
    if (reaches(services, other, name)) return [`${name} and ${other} wait for each other`];
    if (condition === 'service_healthy' && needed.healthcheck === undefined)
      return [`${name} waits for ${other} to be healthy, which has no health check`];
    if (condition === 'service_completed_successfully' && lasts(needed))
      return [`${name} waits for the end of ${other}, which never ends`];
    return [];
  });
}

const reaches = (services: Compose['services'], from: string, to: string, seen = new Set<string>()): boolean => {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return Object.keys(services[from]?.depends_on ?? {}).some((next) => reaches(services, next, to, seen));
};

/** Whatever is a secret by its name or by its value comes from .env. */
function secrets(
  name: string,
  { environment }: ComposeService,
  written: Readonly<Record<string, string>>,
  variables: Variables,
): string[] {
  const values = Object.entries(variables).flatMap(([key, value]) =>
    /(PASSWORD|KEY|TOKEN)$/.test(key) ? (value ?? []) : [],
  );
  return Object.entries(environment).flatMap(([key, value]) => {
    const isSecret = SECRET.test(key) && (!key.endsWith('URL') || /:\/\/[^/]*@/.test(value));
    if (!isSecret || /\$\{\w+:\?[^}]+\}/.test(written[key] ?? '')) return [];
    return [
      `${name}: ${key} is written into the file${values.includes(value) ? ', with a password' : ''}; take it from .env`,
    ];
  });
}

/** A service that runs this program: what it is told is known to it, and it has the time to end. */
function ofNightreel(name: string, one: ComposeService, documented: string): string[] {
  const unknown = Object.keys(one.environment).filter(
    (variable) => !(variable in variablesSchema.shape) && !documented.includes(`\`${variable}\``),
  );
  const isWorker = lasts(one);
  return [
    ...unknown.map((variable) => `${name}: ${variable} is no variable that Nightreel knows`),
    ...sentences(() => readEnvironment(one.environment)).map((sentence) => `${name}: ${sentence}`),
    ...sentences(() => readTelemetry(one.environment)).map((sentence) => `${name}: ${sentence}`),
    ...(isWorker && seconds(one.stop_grace_period) < WORKER_GRACE_S
      ? [`${name} is given ${one.stop_grace_period} to end: its renders need ${WORKER_GRACE_S}s`]
      : []),
    ...(one.build?.target === 'render' && one.shm_size === undefined ? [`${name} draws, and has no shm_size`] : []),
  ];
}

function sentences(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [asFailure(error).message];
  }
}
