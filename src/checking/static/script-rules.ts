/** What a script does that no frame can hold, and data that it takes for markup. */

import type { AnyNode, CallExpression, Expression, NewExpression, SpreadElement } from 'acorn';
import { simple } from 'acorn-walk';
import type { Finding } from '../finding.ts';
import { found, type RuleName } from '../rules.ts';
import { type Constants, constantsOf, isConstant, lastName, namesOf, textOf } from '../source/expressions.ts';
import type { Script } from '../source/script.ts';
import { targetOf } from './addresses.ts';

type Argument = Expression | SpreadElement | undefined;
type Add = (rule: RuleName, node: AnyNode, what: string) => void;

const TIMERS = ['setTimeout', 'setInterval', 'requestIdleCallback'];
const ASKING = ['fetch', 'XMLHttpRequest', 'EventSource', 'WebSocket', 'sendBeacon'];
/** Methods, and how many arguments come before the locale. */
const LOCALE_METHODS = new Map(
  Object.entries({
    toLocaleString: 0,
    toLocaleDateString: 0,
    toLocaleTimeString: 0,
    toLocaleUpperCase: 0,
    toLocaleLowerCase: 0,
    localeCompare: 1,
  }),
);
/** Functions that take markup or code, and which of their arguments it is; -1: the last. */
const MARKUP_CALLS = new Map(
  Object.entries({ insertAdjacentHTML: 1, setHTMLUnsafe: 0, createContextualFragment: 0, eval: 0, Function: -1 }),
);
const MARKUP_PROPERTIES = ['innerHTML', 'outerHTML', 'srcdoc'];
const GLOBALS = ['window', 'self', 'globalThis'];

export function findingsInScript({ program, isLibrary, placeOf }: Script): Finding[] {
  if (program === null || isLibrary) return [];
  const constants = constantsOf(program);
  const findings: Finding[] = [];
  const add: Add = (rule, node, what) => void findings.push(found(rule, placeOf(node), what));
  simple(program, {
    CallExpression: (node) => ofCall(node, constants, add),
    NewExpression: (node) => ofNew(node, constants, add),
    MemberExpression(node) {
      const [before, last] = namesOf(node).slice(-2);
      if (before === 'document' && last === 'timeline') add('real-clock', node, 'document.timeline is read.');
      if (lastName(node) === 'timeStamp') add('real-clock', node, "An event's timeStamp is read.");
      if (before === 'navigator' && last === 'serviceWorker') add('worker', node, 'A service worker is asked for.');
    },
    AssignmentExpression({ left, right }) {
      if (left.type !== 'MemberExpression') return;
      const name = lastName(left);
      if (MARKUP_PROPERTIES.includes(name) && !isConstant(right, constants)) {
        add('markup-from-data', left, `${name} is given something that is no literal.`);
      }
      const isStyle = lastName(left.object) === 'style';
      if (isStyle && name === 'transition' && !/^(?:none|)$/.test(textOf(right, constants)?.text ?? 'all')) {
        add('transition', left, 'A CSS transition is set.');
      }
    },
  });
  return findings;
}

function ofCall({ callee, arguments: args }: CallExpression, constants: Constants, add: Add): void {
  const name = lastName(callee);
  const isGlobal =
    callee.type === 'Identifier' || (namesOf(callee).length === 2 && GLOBALS.includes(namesOf(callee)[0] ?? ''));
  if (isGlobal && TIMERS.includes(name)) add('timer', callee, `${name} is called.`);
  if ((isGlobal || name === 'sendBeacon') && ASKING.includes(name)) asks(name, args[0], callee, constants, add);
  const before = LOCALE_METHODS.get(name);
  if (callee.type === 'MemberExpression' && before !== undefined && isNothing(args[before])) {
    add('locale', callee.property, `${name} is called without a locale.`);
  }
  ofIntl(callee, args, add);
  const names = namesOf(callee);
  const isWrite = names.at(-2) === 'document' && (name === 'write' || name === 'writeln');
  const at = isWrite ? 0 : MARKUP_CALLS.get(name);
  const isOwn = name !== 'eval' && name !== 'Function' ? true : isGlobal;
  const given = at === undefined ? undefined : args.at(at);
  if (isOwn && given !== undefined && !isConstant(given, constants)) {
    add('markup-from-data', callee, `${isWrite ? `document.${name}` : name} is given something that is no literal.`);
  }
  const tag = name === 'createElement' && args[0] !== undefined ? textOf(args[0], constants)?.text.toLowerCase() : '';
  if (tag === 'marquee') add(tag, callee, 'A <marquee> is made.');
}

function ofNew({ callee, arguments: args }: NewExpression, constants: Constants, add: Add): void {
  const name = lastName(callee);
  if (name === 'Worker' || name === 'SharedWorker') add('worker', callee, `A ${name} is started.`);
  if (name === 'AudioContext' || name === 'webkitAudioContext') add('real-clock', callee, 'An AudioContext is made.');
  if (ASKING.includes(name)) asks(name, args[0], callee, constants, add);
  ofIntl(callee, args, add);
  const code = args.at(-1);
  if (name === 'Function' && code !== undefined && !isConstant(code, constants)) {
    add('markup-from-data', callee, 'Function is given something that is no literal.');
  }
}

/** What is asked of elsewhere is the network check's. */
function asks(name: string, address: Argument, node: AnyNode, constants: Constants, add: Add): void {
  const text = address === undefined ? null : textOf(address, constants);
  const target = text === null ? null : targetOf({ address: text.text, isWhole: text.isWhole, base: '' });
  if (target?.kind !== 'remote') add('fetch', node, `${name} asks for data while the page runs.`);
}

/** What of `Intl` takes no locale. */
const WITHOUT_LOCALE = ['Locale', 'getCanonicalLocales', 'supportedValuesOf'];

function ofIntl(callee: AnyNode, args: readonly Argument[], add: Add): void {
  const [intl, name = ''] = namesOf(callee);
  if (intl !== 'Intl' || namesOf(callee).length !== 2 || WITHOUT_LOCALE.includes(name)) return;
  if (isNothing(args[0])) add('locale', callee, `Intl.${name} is used without a locale.`);
}

const isNothing = (node: Argument): boolean =>
  node === undefined ||
  (node.type === 'Identifier' && node.name === 'undefined') ||
  (node.type === 'ArrayExpression' && node.elements.length === 0);
