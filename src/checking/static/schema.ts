/** template.json, or what a composition says instead: whether it can be loaded, and whether its schema refuses what the layout was not made for. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { Failure } from '../../contracts/failures.ts';
import { VARIABLES_ATTRIBUTE } from '../../templates/composition-variables.ts';
import { compileParams } from '../../templates/params.ts';
import {
  COMPOSITION_FILE,
  frameCountOf,
  parseTemplateFile,
  TEMPLATE_FILE,
  type TemplateFile,
} from '../../templates/template-file.ts';
import type { Finding } from '../finding.ts';
import { found, type Place } from '../rules.ts';
import type { Declaration, JsonPath } from '../source/declaration.ts';
import type { Page } from '../source/page.ts';
import { openEnds } from './open-ends.ts';
import type { StaticCheck } from './static-check.ts';

export const schema: StaticCheck = {
  id: 'schema',
  run({ declaration, declared, composition, entry }) {
    if (composition !== null) {
      const { file, fault } = composition;
      if (fault !== null) return [found('composition-unreadable', { file, line: null }, fault)];
      // Nothing else can be wrong with what was made of its own attributes.
      return declared === null ? [] : endsOf(declared, () => variablesOf(entry, file));
    }
    if (declaration === null) {
      const what = `There is neither a ${TEMPLATE_FILE} nor a ${COMPOSITION_FILE}: a template is a folder with one of them.`;
      return [
        found(
          'template-json',
          { file: TEMPLATE_FILE, line: null },
          what,
          'Add it; docs/reference/template.md lists the fields.',
        ),
      ];
    }
    if (declaration.fault !== null) {
      const { place, message } = declaration.fault;
      return [found('template-json', place, `${TEMPLATE_FILE} is not JSON: ${message}.`)];
    }
    if (declared === null) return fieldsOf(declaration);
    const wrong: Finding[] = [];
    if (frameCountOf(declared) === null) {
      const what = `durationMs ${declared.durationMs} is not a whole number of frames at ${declared.fps} frames per second.`;
      wrong.push(found('template-json', declaration.placeOf(['durationMs']), what));
    }
    if (declared.posterMs !== undefined && declared.posterMs >= declared.durationMs) {
      wrong.push(found('template-json', declaration.placeOf(['posterMs']), 'posterMs is after the end.'));
    }
    return [...wrong, ...schemaOf(declaration, declared)];
  },
};

function fieldsOf(declaration: Declaration): Finding[] {
  const parsed = parseTemplateFile(declaration.value);
  return (parsed.error?.issues ?? []).map((issue) => {
    const path: JsonPath = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    const name = path.join('.') || TEMPLATE_FILE;
    return found('template-json', declaration.placeOf([...path, ...unknown]), `${name}: ${issue.message}.`);
  });
}

function schemaOf(declaration: Declaration, declared: TemplateFile): Finding[] {
  let validate: ReturnType<typeof compileParams>;
  try {
    validate = compileParams(declared.params, (what) => new Failure('TemplateInvalid', `The params schema ${what}`));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [found('params-schema', declaration.placeOf(['params', ...faultyPath(declared.params)]), error.message)];
  }
  const values = (['example', 'placeholder'] as const).flatMap((name): Finding[] => {
    const check = validate(declared[name]);
    if (check.ok) return [];
    return check.errors.map(({ path, reason }) => {
      const extra = /^must not have '(.+)'$/.exec(reason)?.[1];
      const at: JsonPath = [name, ...pointed(path), ...(extra === undefined ? [] : [extra])];
      const what = `The ${name} does not fit the params schema: ${path} ${reason}.`;
      return found(`${name}-invalid`, declaration.placeOf(at), what);
    });
  });
  return [...values, ...endsOf(declared, (path) => declaration.placeOf(['params', ...path]))];
}

const endsOf = ({ params }: TemplateFile, placeOf: (path: JsonPath) => Place): Finding[] =>
  openEnds(params).map(({ rule, path, what }) => found(rule, placeOf(path), what));

/** Where a composition declares its variables. */
function variablesOf(entry: Page | null, file: string): Place {
  const declaring = entry?.elements.find(({ attributes }) => attributes.has(VARIABLES_ATTRIBUTE));
  return declaring?.placeOf(VARIABLES_ATTRIBUTE) ?? { file, line: null };
}

/** Where a schema breaks the rules for schemas; empty where it is something else. */
function faultyPath(params: Readonly<Record<string, unknown>>): JsonPath {
  const ajv = new Ajv2020({ strict: false, logger: false });
  try {
    if (ajv.validateSchema(params) === true) return [];
  } catch {
    // An unknown $schema.
    return ['$schema'];
  }
  // The deepest is the one that is meant: those above it only pass it on.
  const paths = (ajv.errors ?? []).map(({ instancePath }) => pointed(instancePath));
  return paths.reduce((deepest, path) => (path.length > deepest.length ? path : deepest), []);
}

/** A JSON Pointer as a path. */
const pointed = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .filter((part) => part !== '')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
