/**
 * What a template says, without what its params hold. They may stand in it in any form: in capitals, cut, added up. So a word stays
 * only where it is one of the template's own files, of the engine's scripts in the page or of the browser's own messages, and none
 * of the params; digits never stay. A value that stands there as it is becomes the name of its param.
 *
 * Which of its own words a template says may still depend on a recipient, as `gold` or `silver` does on what they earned: it stays.
 */

import { asFailure, Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import { ENGINE_SCRIPT } from '../rendering/page/scripts.ts';
import type { Template } from '../templates/template.ts';
import { causeChain, scrubberFor } from './scrub.ts';

/** Words of V8's, Chromium's and Node.js's messages. */
const KNOWN = `
  error typeerror rangeerror referenceerror syntaxerror evalerror urierror domexception aggregateerror uncaught promise unhandled rejection
  cannot read properties property undefined null reading setting set not function defined iterable constructor object array string
  number boolean symbol value values unexpected token identifier end input json position in at of is are was to the a an and or no
  assignment constant variable maximum call stack size exceeded invalid length index out range convert circular structure class
  failed load resource server responded status net err fetch loading execute on node window document canvas element elements
  missing required argument arguments expected got type timeout aborted network request response blocked decode audio image font
  connect connection refused reset closed socket hang up enoent econnrefused econnreset etimedout epipe eacces operation permission denied
  protocol target session closed navigation frame detached execution context destroyed
`;
/** Pieces of a name or initials could be as short. */
const MIN_LENGTH = 3;
const SHORT = new Set(['a', 'an', 'and', 'at', 'in', 'is', 'it', 'no', 'of', 'on', 'or', 'to', 'up', 'be', 'by', 'if']);
/** The last kind: whatever is no plain mark, an emoji for instance, or what moves a cursor. */
const WORD = /[\p{L}\p{M}_$]+|\p{N}+|[^\p{L}\p{M}\p{N}\s\x21-\x7e‹›…’“”–—]+/gu;
const WORD_OR_NAME = new RegExp(`‹[^›]*›|${WORD.source}`, 'gu');
/** Fonts and pictures inside of a page: any short word stands in there somewhere. */
const EMBEDDED = /[A-Za-z0-9+/=_-]{80,}/g;
const SOURCES = /\.(html?|m?js|css)$/;
export const LEFT_OUT = '…';

const known: ReadonlySet<string> = new Set(KNOWN.match(WORD));
const vocabularies = new WeakMap<object, ReadonlySet<string>>();

/** A function that leaves out of a text what may be a value of the params. Null: of the template nothing is known. */
export function harmlessWords(params: Params, template: Pick<Template, 'files'> | null): (text: string) => string {
  const own = wordsOf(params);
  const scrub = scrubberFor(params);
  const authored = template === null ? new Set<string>() : vocabularyOf(template);
  const isHarmless = (word: string): boolean => {
    const plain = word.toLowerCase();
    if (own.has(plain) || /\p{N}/u.test(word)) return false;
    return word.length < MIN_LENGTH ? SHORT.has(plain) : known.has(plain) || authored.has(word);
  };
  return (text) =>
    scrub(text.replaceAll(/[‹›]/g, ' '))
      .replaceAll(WORD_OR_NAME, (word) => (word.startsWith('‹') || isHarmless(word) ? word : LEFT_OUT))
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/…(?:[^\p{L}\p{N}‹›…]{0,3}…)+/gu, LEFT_OUT);
}

/**
 * Runs what may quote a recipient when it fails. The failure that comes out has the same class, and may go to Temporal, to a span and
 * to the log: of what the engine did not write, only harmless words are left in it.
 * @param aboutTemplate asked when it fails; null: of the template nothing is known.
 */
export async function withoutPersonalData<T>(
  params: Params,
  aboutTemplate: () => Pick<Template, 'files'> | null,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const harmless = harmlessWords(params, aboutTemplate());
    const { failureClass, message, detail, cause, stack = '' } = asFailure(error);
    const told = error instanceof Failure ? scrubberFor(params)(message) : harmless(message);
    const failure = new Failure(failureClass, told, {
      detail: detail === undefined ? undefined : harmless(detail),
      cause: cause === undefined ? undefined : harmless(causeChain(cause)),
    });
    // V8 begins a stack with the message; what follows are places in our own code.
    failure.stack = `${failureClass}: ${told}${stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length) : ''}`;
    throw failure;
  }
}

/** All words of all values, in small letters. */
function wordsOf(params: Params): ReadonlySet<string> {
  const words = new Set<string>();
  const collect = (value: unknown): void => {
    if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) collect(inner);
    else for (const word of String(value).toLowerCase().match(WORD) ?? []) words.add(word);
  };
  collect(params);
  return words;
}

/** As they are written in the files that the author wrote; of names in data files nothing is known. */
function vocabularyOf(template: Pick<Template, 'files'>): ReadonlySet<string> {
  const read = vocabularies.get(template.files);
  if (read !== undefined) return read;
  const words = new Set<string>();
  addWords(ENGINE_SCRIPT, words);
  for (const [path, bytes] of template.files) {
    if (!SOURCES.test(path)) continue;
    addWords(Buffer.from(bytes).toString('utf8'), words);
  }
  vocabularies.set(template.files, words);
  return words;
}

function addWords(source: string, words: Set<string>): void {
  for (const [word] of source.replaceAll(EMBEDDED, ' ').matchAll(WORD)) words.add(word);
}
