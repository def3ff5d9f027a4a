/**
 * Writes docs/reference/ and docs/schemas/ from the schemas that files and variables are checked with: `npm run build:reference`.
 * What a field means is said in its schema.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { campaignFileSchema } from '../src/config/campaign.ts';
import { pricesFileSchema } from '../src/config/prices.ts';
import { variablesSchema } from '../src/config/variables.ts';
import { DEFAULT_PRICES } from '../src/reporting/prices.ts';
import { reportSchema } from '../src/reporting/report-json.ts';
import { failureLineSchema } from '../src/reporting/why/failure-line.ts';
import { templateFileSchema } from '../src/templates/template-file.ts';
import { type Field, fieldsOf, type JsonSchema, tableOf } from './schema-fields.ts';

const DOCS = join(import.meta.dirname, '../docs');

const jsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

/** With a column for what is left out, where anything can be. */
function fieldsTable(fields: readonly Field[]): string {
  const canLack = fields.some(({ leftOut }) => leftOut !== 'required');
  const rows = fields.map(({ path, takes, leftOut, meaning }) => [
    `\`${path}\``,
    takes,
    ...(canLack ? [leftOut] : []),
    meaning,
  ]);
  return tableOf(['field', 'takes', ...(canLack ? ['when left out'] : []), 'meaning'], rows);
}

const page = (title: string, ...parts: readonly string[]): string =>
  [`# ${title}`, ...parts, 'Written by `npm run build:reference` from the schema that checks it.\n'].join('\n\n');

function campaignPage(): string {
  const schema = jsonSchema(campaignFileSchema);
  const sources = schema.properties?.['source']?.oneOf ?? [];
  const param = sources[0]?.properties?.['params']?.additionalProperties;
  const closed = ['source', 'source.params'];
  return page(
    'A campaign file',
    '`campaigns/<id>.yaml`. How campaigns work: [campaigns](../campaigns.md), [warehouses](../warehouses.md). For editors that know the YAML language server, its first line can be',
    '```yaml\n# yaml-language-server: $schema=../docs/schemas/campaign.schema.json\n```',
    'with the path to [this file](../schemas/campaign.schema.json).',
    fieldsTable(fieldsOf(schema, '', closed)),
    ...sources.flatMap((source) => [
      `## A source of type ${source.properties?.['type']?.const}`,
      fieldsTable(fieldsOf(source, 'source.', closed)),
    ]),
    '## A param of a source',
    '`source.params` has one of these for each param: a column’s name, or an object.',
    typeof param === 'object' ? fieldsTable(paramFields(param)) : '',
  );
}

const paramFields = ({ anyOf = [] }: JsonSchema): Field[] =>
  anyOf.flatMap((each) => fieldsOf(each, 'source.params.*.'));

function pricesPage(): string {
  const { requests, ...prices } = DEFAULT_PRICES;
  const usual: Readonly<Record<string, string | number>> = {
    ...prices,
    ...Object.fromEntries(Object.entries(requests).map(([name, price]) => [`requests.${name}`, price])),
  };
  const fields = fieldsOf(jsonSchema(pricesFileSchema)).map((field) => {
    const value = usual[field.path];
    return value === undefined ? field : { ...field, leftOut: String(value) };
  });
  return page(
    'The prices file',
    '`prices.yaml` beside `campaigns/`. An example: [prices](../configuration.md#prices). In another currency than USD all prices must be given.',
    fieldsTable(fields),
  );
}

function environmentPage(): string {
  const fields = fieldsOf(jsonSchema(variablesSchema));
  const rows = fields.map(({ path, takes, leftOut, meaning }) => [`\`${path}\``, takes, leftOut, meaning]);
  return page(
    'Environment variables',
    'Nightreel’s own. Those of other programs that it reads as well are in [configuration](../configuration.md). An empty variable counts as unset.',
    tableOf(['variable', 'takes', 'when not set', 'meaning'], rows),
  );
}

const schemaFile = (name: string, title: string, schema: z.ZodType): string =>
  `${JSON.stringify({ $id: `${name}.schema.json`, title, ...jsonSchema(schema) }, null, 2)}\n`;

/** What is to be in docs/, by path there. */
export const referenceFiles = (): ReadonlyMap<string, string> =>
  new Map([
    [
      'reference/template.md',
      page(
        'template.json',
        'What a template says about itself. How templates work: [templates](../templates.md), [scenes](../scenes.md). Unknown fields are refused. With `"$schema"` set to the path of [this file](../schemas/template.schema.json) an editor completes and checks it.',
        fieldsTable(fieldsOf(jsonSchema(templateFileSchema))),
      ),
    ],
    ['reference/campaign.md', campaignPage()],
    ['reference/prices.md', pricesPage()],
    ['reference/environment.md', environmentPage()],
    [
      'reference/report.md',
      page(
        'report.json',
        'A night in numbers, for programs. What it tells, and how to read it: [the morning report](../report.md). As JSON Schema: [report.schema.json](../report.schema.json). A field with something in the third column is missing in reports of before it was added.',
        fieldsTable(fieldsOf(jsonSchema(reportSchema))),
      ),
    ],
    [
      'reference/failure-line.md',
      page(
        'The line of a failed attempt',
        'In the worker’s log and in the batch’s folder. Where it comes from, and what is not in it: [why did this one fail?](../why.md#the-line-of-a-failed-attempt).',
        fieldsTable(fieldsOf(jsonSchema(failureLineSchema))),
      ),
    ],
    [
      'schemas/template.schema.json',
      schemaFile('template', 'template.json of a Nightreel template', templateFileSchema),
    ],
    ['schemas/campaign.schema.json', schemaFile('campaign', 'A campaign file of Nightreel', campaignFileSchema)],
    ['schemas/prices.schema.json', schemaFile('prices', 'prices.yaml of Nightreel', pricesFileSchema)],
  ]);

async function main(): Promise<void> {
  for (const [path, text] of referenceFiles()) {
    await mkdir(dirname(join(DOCS, path)), { recursive: true });
    await writeFile(join(DOCS, path), text);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
