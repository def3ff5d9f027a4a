/** Params against a template's JSON Schema. */

import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';

export interface ParamsError {
  /** JSON Pointer of the value: `/earnings`, `/` for the whole. */
  readonly path: string;
  /** What the schema wants of it. Never quotes the value. */
  readonly reason: string;
}

/** `path` and `reason` are those of the first of `errors`. */
export type ParamsCheck =
  | { readonly ok: true; readonly params: Params }
  | ({ readonly ok: false; readonly errors: readonly ParamsError[] } & ParamsError);

/** A function that checks params; throws what `invalid` makes when the schema itself is wrong. */
export function compileParams(
  schema: Readonly<Record<string, unknown>>,
  invalid: (what: string) => Failure,
): (params: unknown) => ParamsCheck {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  addFormats.default(ajv);
  let validate: ReturnType<typeof ajv.compile>;
  try {
    validate = ajv.compile(schema);
  } catch (cause) {
    throw invalid(`is not a JSON Schema (draft 2020-12): ${cause instanceof Error ? cause.message : cause}.`);
  }
  return (params) => {
    if (params === null || typeof params !== 'object' || Array.isArray(params)) {
      const error = { path: '/', reason: 'must be an object' };
      return { ok: false, ...error, errors: [error] };
    }
    if (validate(params)) return { ok: true, params: params as Params };
    const errors = (validate.errors ?? []).map(describe);
    const [first = { path: '/', reason: 'is not valid' }] = errors;
    return { ok: false, ...first, errors };
  };
}

function describe(error: ErrorObject): ParamsError {
  const path = error.instancePath === '' ? '/' : error.instancePath;
  const { additionalProperty, allowedValues } = error.params;
  if (typeof additionalProperty === 'string') return { path, reason: `must not have '${additionalProperty}'` };
  if (Array.isArray(allowedValues)) return { path, reason: `must be one of ${allowedValues.join(', ')}` };
  return { path, reason: error.message ?? `fails '${error.keyword}'` };
}
