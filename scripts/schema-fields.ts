/** A JSON Schema as the rows of a table: each field with what it takes, what stands for it when it is left out, and its meaning. Pure. */

/** The part of JSON Schema that the project's own schemas use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

export interface Field {
  /** As it would be addressed: `lanes.count`, `scenes[].id`, `destinations.renditions.*`. */
  readonly path: string;
  /** Type and bounds, in words. */
  readonly takes: string;
  /** In words: `required`, its default, or `–`. */
  readonly leftOut: string;
  readonly meaning: string;
}

/**
 * The fields of an object, nested ones behind it that holds them. `RangeError` names a field that says nothing of its meaning.
 * @param closed paths that are not gone into, as they have a table of their own.
 */
export function fieldsOf(schema: JsonSchema, prefix = '', closed: readonly string[] = []): Field[] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const { description } = property;
    if (description === undefined) throw new RangeError(`nothing says what ${path} means: describe it in its schema`);
    const field = {
      path,
      takes: takenBy(property),
      leftOut: leftOut(property, required.includes(name)),
      meaning: description,
    };
    return [field, ...(closed.includes(path) ? [] : nestedIn(property, path, closed))];
  });
}

const code = (value: unknown): string => {
  const json = JSON.stringify(value);
  return `\`${typeof value === 'string' ? json.slice(1, -1) : json}\``;
};

function leftOut(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return 'required';
  if (schema.default === undefined || schema.default === null) return '–';
  return typeof schema.default === 'object' ? `\`${spaced(schema.default)}\`` : code(schema.default);
}

/** As one writes it by hand. */
const spaced = (value: object): string => JSON.stringify(value, null, 1).replaceAll(/\s*\n\s*/g, ' ');

const alternatives = ({ anyOf, oneOf }: JsonSchema): readonly JsonSchema[] => anyOf ?? oneOf ?? [];

function nestedIn(schema: JsonSchema, path: string, closed: readonly string[]): Field[] {
  if (schema.items !== undefined) return nestedIn(schema.items, `${path}[]`, closed);
  if (schema.properties !== undefined) return fieldsOf(schema, `${path}.`, closed);
  if (typeof schema.additionalProperties === 'object')
    return nestedIn(schema.additionalProperties, `${path}.*`, closed);
  return merged(alternatives(schema).flatMap((each) => nestedIn(each, path, closed)));
}

/** Alternatives that have a field of one name, as those of a union do that tells them apart, are one row. */
function merged(fields: readonly Field[]): Field[] {
  const groups = [...Map.groupBy(fields, ({ path }) => path).values()];
  return groups.flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, takes: either([...new Set(group.map(({ takes }) => takes))]) }];
  });
}

/** With a semicolon where one of them has a comma itself. */
function either(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return words.some((word) => word.includes(', '))
    ? words.join('; or ')
    : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** Type and bounds in words. */
export function takenBy(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return either(schema.enum.map(code));
  const choices = alternatives(schema);
  if (choices.length > 0) return either([...new Set(choices.map(takenBy))]);
  if (typeof schema.type === 'object') return either(schema.type.map((type) => takenBy({ type })));
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'integer':
    case 'number':
      return [schema.type === 'integer' ? 'whole number' : 'number', ...boundsOf(schema)].join(', ');
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return `list of ${schema.items === undefined ? 'anything' : plural(takenBy(schema.items))}${schema.minItems === 1 ? ', not empty' : ''}`;
    default:
      return objectOf(schema);
  }
}

function objectOf({ additionalProperties, properties }: JsonSchema): string {
  if (properties !== undefined || typeof additionalProperties !== 'object') return 'object';
  const values = takenBy(additionalProperties);
  return values === 'object' ? 'object' : `object of ${plural(values)}`;
}

/** Of what is plain enough to have one. */
const plural = (words: string): string => words.replace(/^(text|object|list|whole number|number)(?=$|,| of)/, '$1s');

function textOf({ format, minLength = 0, maxLength }: JsonSchema): string {
  if (format === 'uri') return 'address';
  if (format === 'date-time') return 'time';
  if (maxLength !== undefined) return `text, ${minLength} to ${grouped(maxLength)} characters`;
  return minLength > 1 ? `text, ${minLength} characters or more` : 'text';
}

const grouped = (number: number): string => number.toLocaleString('en-US', { maximumFractionDigits: 9 });

function boundsOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): string[] {
  const isIn = (limit: number | undefined): limit is number =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  if (isIn(exclusiveMinimum) && isIn(maximum)) return [`above ${grouped(exclusiveMinimum)}, up to ${grouped(maximum)}`];
  if (isIn(minimum) && isIn(maximum)) return [`${grouped(minimum)} to ${grouped(maximum)}`];
  if (isIn(minimum)) return [`${grouped(minimum)} or more`];
  return isIn(maximum) ? [`up to ${grouped(maximum)}`] : [];
}

/** A Markdown table, its columns as wide as the formatter makes them. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...lines.map((line) => [...(line[column] ?? '')].length)));
  const drawn = lines.map((line) => `| ${line.map((cell, at) => pad(cell, widths[at] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [drawn[0], rule, ...drawn.slice(1)].join('\n');
}

const pad = (cell: string, width: number): string => cell + ' '.repeat(width - [...cell].length);
