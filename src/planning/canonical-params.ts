/** One text for one bag of parameters, so that equal videos get equal keys. */

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';

/** What stands in the way of a value's being JSON, and where. */
export interface ParamsProblem {
  readonly reason: string;
  /** JSON Pointer into the params. */
  readonly path: string;
}

type Normalised = { readonly ok: true; readonly params: Params } | ({ readonly ok: false } & ParamsProblem);

/**
 * The params as they are validated, keyed and rendered: every text in Unicode NFC, because `José` typed on a Mac and
 * `José` typed elsewhere look the same and should be one video. Names of members are left alone: the schema spells them.
 * Text with half a surrogate pair, and what JSON cannot hold, is a problem.
 */
export function normaliseParams(params: Params): Normalised {
  try {
    return { ok: true, params: normaliseObject(params, '') };
  } catch (error) {
    if (error instanceof NotJson) return { ok: false, reason: error.message, path: error.path };
    throw error;
  }
}

/** RFC 8785 text of params. Throws `Failure('ParamsInvalid')` for what `normaliseParams` would have refused. */
export function canonicalParams(params: Params): string {
  const normalised = normaliseParams(params);
  const text = normalised.ok ? canonicalize(normalised.params) : undefined;
  if (text !== undefined) return text;
  const place = normalised.ok ? '/' : `${normalised.path} ${normalised.reason}`;
  throw new Failure('ParamsInvalid', `the params cannot be written as canonical JSON: ${place}`);
}

/** sha256 hex of the canonical text: equal for equal params, whatever template, engine and rendition show them. */
export const paramsDigest = (params: Params): string =>
  createHash('sha256').update(canonicalParams(params)).digest('hex');

class NotJson extends Error {
  readonly path: string;

  constructor(path: string, reason: string) {
    super(reason);
    this.path = path;
  }
}

function normaliseObject(object: object, path: string): Record<string, unknown> {
  const entries = Object.entries(object).map(([name, value]) => {
    const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!name.isWellFormed()) throw new NotJson(path, 'has a member whose name is not valid Unicode');
    return [name, normaliseValue(value, at)] as const;
  });
  return Object.fromEntries(entries);
}

function normaliseValue(value: unknown, path: string): unknown {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new NotJson(path, 'is not valid Unicode');
    return value.normalize('NFC');
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson(path, 'is not a number that JSON can hold');
    return value;
  }
  if (typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => normaliseValue(item, `${path}/${index}`));
  if (typeof value === 'object') return normaliseObject(value, path);
  throw new NotJson(path, 'is not a JSON value');
}
