/** What Kubernetes, KEDA, the Prometheus operator and External Secrets say their objects look like: fields that they do not know are wrong. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Manifest, nameOf } from './manifests.ts';

type Schema = Readonly<Record<string, unknown>>;
type Kind = Readonly<Record<'group' | 'version' | 'kind', string>>;
interface Definitions {
  readonly $defs: Readonly<Record<string, Schema & { readonly 'x-kubernetes-group-version-kind'?: readonly Kind[] }>>;
}
interface Resource extends Pick<Manifest, 'apiVersion' | 'kind'> {
  readonly schema: Schema;
}
interface Trigger {
  readonly kedaVersion: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly deprecated?: string;
    readonly envVariableReadable?: boolean;
    readonly metadataVariableReadable?: boolean;
  }[];
}

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', `${name}.json`), 'utf8')) as T;

/** What `metadata` of KEDA's trigger `temporal` may say. */
export const TRIGGER = read<Trigger>('temporal-trigger');
const CUSTOM = ['scaledobject', 'podmonitor', 'externalsecret'] as const;

const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true, verbose: true });
const kubernetes = read<Definitions>('kubernetes');
ajv.addSchema({ $id: 'kubernetes', ...kubernetes });
for (const [name, definition] of Object.entries(kubernetes.$defs)) {
  for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
    const key = `${group === '' ? '' : `${group}/`}${version} ${kind}`;
    validators.set(key, ajv.compile({ $ref: `kubernetes#/$defs/${name}` }));
  }
}
for (const name of CUSTOM) {
  const { apiVersion, kind, schema } = read<Resource>(name);
  validators.set(`${apiVersion} ${kind}`, ajv.compile(closed(schema)));
}

/** A cluster drops what a custom resource does not know, without a word: here it is an error. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = ['x-kubernetes-preserve-unknown-fields', 'additionalProperties'].some((key) => key in copy);
  // An object of the schema's own, and not a field of somebody's that is called "properties"; what metadata holds is Kubernetes'.
  const isObject = copy['type'] === 'object' && typeof copy['properties'] === 'object';
  return (isObject && !isOpen ? { ...copy, additionalProperties: false } : copy) as T;
}

/** A sentence for everything that is wrong with a manifest by its schema. */
export function schemaFaults(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const validate = validators.get(`${apiVersion} ${kind}`);
  if (validate === undefined)
    return [`${nameOf(manifest)}: nothing is known of ${apiVersion} ${kind}; see scripts/kubernetes/schemas.`];
  if (validate(manifest)) return [];
  return (validate.errors ?? []).map((error) => `${nameOf(manifest)}: ${inWords(error)}.`);
}

function inWords({ instancePath, keyword, params, message, data }: ErrorObject): string {
  const at = instancePath.slice(1).replaceAll('/', '.') || 'it';
  if (keyword === 'additionalProperties') return `${at} has no field '${params['additionalProperty']}'`;
  if (keyword === 'enum')
    return `${at} is ${JSON.stringify(data)} and must be one of ${params['allowedValues'].join(', ')}`;
  return `${at} ${message}`;
}
