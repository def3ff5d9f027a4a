/** What can be told of an expression without running it. Pure. */

import type { AnyNode, Program } from 'acorn';
import { simple } from 'acorn-walk';

/** A text that an expression comes to, or begins with. */
export interface Text {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Names that are given a value once, and what it is. */
export type Constants = ReadonlyMap<string, AnyNode>;

export function constantsOf(program: Program): Constants {
  const found = new Map<string, AnyNode>();
  const twice = new Set<string>();
  simple(program, {
    VariableDeclaration({ kind, declarations }) {
      for (const { id, init } of declarations) {
        if (id.type !== 'Identifier') continue;
        if (found.has(id.name)) twice.add(id.name);
        if (kind === 'const' && init) found.set(id.name, init);
      }
    },
  });
  // The same name in two scopes: which of them is meant cannot be told by the name.
  for (const name of twice) found.delete(name);
  return found;
}

/** Null: nothing can be told of it. */
export function textOf(node: AnyNode, constants: Constants, depth = 0): Text | null {
  if (depth > 20) return null;
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'object' ? null : { text: String(node.value), isWhole: true };
    case 'TemplateLiteral': {
      const [head, ...tail] = node.quasis.map(({ value }) => value.cooked ?? value.raw);
      let text: Text = { text: head ?? '', isWhole: true };
      for (const [index, expression] of node.expressions.entries()) {
        const inner = textOf(expression, constants, depth + 1);
        if (inner === null) return { ...text, isWhole: false };
        text = { text: text.text + inner.text, isWhole: inner.isWhole };
        if (!text.isWhole) return text;
        text = { text: text.text + (tail[index] ?? ''), isWhole: true };
      }
      return text;
    }
    case 'BinaryExpression': {
      if (node.operator !== '+' || node.left.type === 'PrivateIdentifier') return null;
      const left = textOf(node.left, constants, depth + 1);
      if (left === null || !left.isWhole) return left;
      const right = textOf(node.right, constants, depth + 1);
      return right === null ? { ...left, isWhole: false } : { text: left.text + right.text, isWhole: right.isWhole };
    }
    case 'Identifier': {
      const value = constants.get(node.name);
      return value === undefined ? null : textOf(value, constants, depth + 1);
    }
    case 'ParenthesizedExpression':
      return textOf(node.expression, constants, depth + 1);
    default:
      return null;
  }
}

/** `a.b.c` → `c`, `a['c']` → `c`, `c` → `c`; empty for anything else. */
export function lastName(node: AnyNode): string {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'ChainExpression') return lastName(node.expression);
  if (node.type !== 'MemberExpression') return '';
  const { property, computed } = node;
  if (!computed) return property.type === 'Identifier' ? property.name : '';
  return property.type === 'Literal' && typeof property.value === 'string' ? property.value : '';
}

/** `document.timeline.x` → [`document`, `timeline`, `x`], outermost first; what is no name is left out. */
export function namesOf(node: AnyNode): string[] {
  if (node.type === 'ChainExpression') return namesOf(node.expression);
  if (node.type !== 'MemberExpression') return node.type === 'Identifier' ? [node.name] : [];
  return [...namesOf(node.object), lastName(node)];
}

/** What a constant text may be made with. */
const HARMLESS = ['Array', 'Math', 'Number', 'String', 'Object', 'undefined', 'NaN', 'Infinity'];

/** Whether an expression comes to the same whatever the params are: literals, what is named once, and what is made of these. */
export function isConstant(expression: AnyNode, constants: Constants, seen: ReadonlySet<string> = new Set()): boolean {
  const own = new Set<string>();
  const addOwn = (params: readonly AnyNode[]): void => {
    for (const param of params) if (param.type === 'Identifier') own.add(param.name);
  };
  simple(expression, {
    ArrowFunctionExpression: ({ params }) => addOwn(params),
    FunctionExpression: ({ params }) => addOwn(params),
  });
  let isSame = true;
  simple(expression, {
    Identifier({ name }) {
      if (own.has(name) || HARMLESS.includes(name)) return;
      const value = constants.get(name);
      if (value === undefined || seen.has(name)) isSame = false;
      else if (!isConstant(value, constants, new Set([...seen, name]))) isSame = false;
    },
    ThisExpression: () => {
      isSame = false;
    },
    AwaitExpression: () => {
      isSame = false;
    },
  });
  return isSame;
}
