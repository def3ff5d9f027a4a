/** Text cells → the types that the template's schema asks for. */

import { Ajv2020 } from 'ajv/dist/2020.js';

/**
 * A function that turns text into numbers and booleans where the JSON Schema wants them and the text is one; everything
 * else is left as it is, for the validation to refuse. Without a schema nothing changes.
 */
export function paramCoercion(
  schema: object | undefined,
): (params: Record<string, unknown>) => Record<string, unknown> {
  if (schema === undefined) return (params) => params;
  // Formats are checked by the validation that follows; all errors, so that one bad cell does not leave the others text.
  const coerce = new Ajv2020({ coerceTypes: true, allErrors: true, strict: false, validateFormats: false }).compile(
    schema,
  );
  return (params) => {
    const copy = { ...params };
    coerce(copy);
    return copy;
  };
}
