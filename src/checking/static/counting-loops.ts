/** Animation frame loops that count their calls instead of drawing by the time that they get. */

import type { AnyNode, Program } from 'acorn';
import { simple } from 'acorn-walk';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import { lastName } from '../source/expressions.ts';
import type { Script } from '../source/script.ts';

export function countingLoops({ program, isLibrary, placeOf }: Script): Finding[] {
  if (program === null || isLibrary) return [];
  const functions = functionsOf(program);
  const loops = new Set<AnyNode>();
  simple(program, {
    CallExpression({ callee, arguments: [first] }) {
      if (lastName(callee) !== 'requestAnimationFrame' || first === undefined) return;
      const loop = first.type === 'Identifier' ? functions.get(first.name) : first;
      if (loop !== undefined) loops.add(loop);
    },
  });
  return [...loops].flatMap((loop): Finding[] => {
    const counted = counterIn(loop);
    if (counted === null) return [];
    return [found('counting-loop', placeOf(counted), 'An animation frame loop counts its calls.')];
  });
}

function functionsOf(program: Program): Map<string, AnyNode> {
  const functions = new Map<string, AnyNode>();
  simple(program, {
    FunctionDeclaration(node) {
      if (node.id) functions.set(node.id.name, node);
    },
    VariableDeclarator({ id, init }) {
      if (
        id.type === 'Identifier' &&
        (init?.type === 'ArrowFunctionExpression' || init?.type === 'FunctionExpression')
      ) {
        functions.set(id.name, init);
      }
    },
  });
  return functions;
}

/** The first place where something from outside of the function becomes more by a fixed number. */
function counterIn(loop: AnyNode): AnyNode | null {
  const own = new Set<string>();
  const steps: { readonly node: AnyNode; readonly target: AnyNode }[] = [];
  simple(loop, {
    VariableDeclarator({ id }) {
      if (id.type === 'Identifier') own.add(id.name);
    },
    UpdateExpression: (node) => void steps.push({ node, target: node.argument }),
    AssignmentExpression(node) {
      const { operator, left, right } = node;
      if (isNumber(right) && (operator === '+=' || operator === '-=')) steps.push({ node, target: left });
      if (operator !== '=' || left.type !== 'Identifier' || right.type !== 'BinaryExpression') return;
      const isSame = right.left.type === 'Identifier' && right.left.name === left.name;
      if (isSame && isNumber(right.right)) steps.push({ node, target: left });
    },
  });
  return steps.find(({ target }) => target.type !== 'Identifier' || !own.has(target.name))?.node ?? null;
}

const isNumber = (node: AnyNode): boolean => node.type === 'Literal' && typeof node.value === 'number';
