/** What a template's own scripts ask for: addresses given to what fetches them. Pure. */

import type { AnyNode, CallExpression, Expression, NewExpression } from 'acorn';
import { simple } from 'acorn-walk';
import { type Constants, constantsOf, lastName, type Text, textOf } from './expressions.ts';
import type { Reference, Use } from './references.ts';
import type { Script } from './script.ts';

const CALLS = new Map<string, Use>(Object.entries({ fetch: 'data', importScripts: 'script', sendBeacon: 'data' }));
const MADE = new Map<string, Use>(
  Object.entries({ Worker: 'script', SharedWorker: 'script', WebSocket: 'data', EventSource: 'data', Audio: 'media' }),
);
const PROPERTIES = new Map<string, Use>(Object.entries({ src: 'data', srcset: 'picture', poster: 'picture' }));
/** Properties of a style that hold pictures. */
const STYLES = ['background', 'backgroundImage', 'borderImage', 'maskImage', 'mask', 'listStyleImage', 'cssText'];

export function requestsOf(script: Script, base: string): Reference[] {
  const { program, isLibrary, placeOf, file } = script;
  if (program === null || isLibrary) return [];
  const constants = constantsOf(program);
  const found: Reference[] = [];
  const add = (text: Text | null, use: Use, node: AnyNode, from = base): void => {
    if (text !== null && text.text !== '') {
      found.push({ address: text.text, isWhole: text.isWhole, base: from, use, place: placeOf(node) });
    }
  };
  const addFrom = (node: AnyNode | null | undefined, use: Use, from = base): void => {
    if (node) add(textOf(node, constants), use, node, from);
  };
  simple(program, {
    ImportDeclaration: ({ source }) => addFrom(source, 'script', file.path),
    ImportExpression: ({ source }) => addFrom(source, 'script', file.path),
    ExportNamedDeclaration: ({ source }) => addFrom(source, 'script', file.path),
    ExportAllDeclaration: ({ source }) => addFrom(source, 'script', file.path),
    CallExpression: (node) => ofCall(node, constants, addFrom),
    NewExpression: (node) => ofNew(node, constants, addFrom, add),
    AssignmentExpression: ({ left, right }) => {
      if (left.type !== 'MemberExpression') return;
      const name = lastName(left);
      const use = PROPERTIES.get(name);
      if (use !== undefined) addFrom(right, use);
      else if (STYLES.includes(name)) for (const text of urlsOf(textOf(right, constants))) add(text, 'picture', right);
    },
  });
  return found;
}

type AddFrom = (node: AnyNode | null | undefined, use: Use) => void;

function ofCall({ callee, arguments: args }: CallExpression, constants: Constants, addFrom: AddFrom): void {
  const name = lastName(callee);
  const [first, second] = args;
  const use = CALLS.get(name);
  if (use !== undefined) addFrom(first, use);
  const word = first === undefined ? null : (textOf(first, constants)?.text ?? null);
  // XMLHttpRequest's; any other `open` has no method first.
  if (name === 'open' && /^(?:GET|POST|HEAD|PUT)$/i.test(word ?? '')) addFrom(second, 'data');
  if (name === 'setAttribute' && word !== null) {
    const known = PROPERTIES.get(word);
    if (known !== undefined) addFrom(second, known);
  }
}

function ofNew(
  { callee, arguments: args }: NewExpression,
  constants: Constants,
  addFrom: AddFrom,
  add: (text: Text | null, use: Use, node: Expression) => void,
): void {
  const name = lastName(callee);
  const [first, second] = args;
  const use = MADE.get(name);
  if (use !== undefined) addFrom(first, use);
  if (name !== 'FontFace' || second === undefined || second.type === 'SpreadElement') return;
  for (const text of urlsOf(textOf(second, constants))) add(text, 'font', second);
}

/** The addresses in a text of CSS. */
function urlsOf(text: Text | null): Text[] {
  if (text === null) return [];
  return [...text.text.matchAll(/url\(\s*(['"]?)([^'")]*)\1(\s*\))?/gi)].map(([, , address = '', closed]) => ({
    text: address,
    isWhole: closed !== undefined,
  }));
}
