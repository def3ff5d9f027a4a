/** JavaScript of a template, a file or what stands in a page, as a tree whose nodes tell where they are. */

import { type Node, type Program, parse } from 'acorn';
import type { Place } from '../rules.ts';
import type { TextFile } from './text-file.ts';

export interface Script {
  readonly file: TextFile;
  readonly text: string;
  /** Null: it cannot be parsed; `fault` says why. */
  readonly program: Program | null;
  readonly fault: { readonly place: Place; readonly message: string } | null;
  /** Code of somebody else, packed: what it does inside is not the template's own doing. */
  readonly isLibrary: boolean;
  placeOf(node: Pick<Node, 'start'>): Place;
}

export interface ScriptSource {
  readonly text: string;
  /** Where in the file it begins. */
  readonly start: number;
  readonly isModule: boolean;
}

export function readScript(file: TextFile, { text, start, isModule }: ScriptSource): Script {
  const placeOf = (node: Pick<Node, 'start'>): Place => file.place(start + node.start);
  const about = { file, text, isLibrary: isLibrary(text), placeOf };
  try {
    const sourceType = isModule ? 'module' : 'script';
    return { ...about, program: parse(text, { ecmaVersion: 'latest', sourceType, allowHashBang: true }), fault: null };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = 'pos' in error && typeof error.pos === 'number' ? error.pos : 0;
    // The parser ends its sentence with its own line and column.
    const message = error.message.replace(/\s*\(\d+:\d+\)$/, '');
    return { ...about, program: null, fault: { place: placeOf({ start: at }), message } };
  }
}

const PACKED = { length: 2_000, perLine: 200 } as const;

/** A banner that minifiers keep, or lines that nobody writes. */
function isLibrary(text: string): boolean {
  if (/^\s*\/\*!/.test(text) || /^\s*\/\*[\s\S]{0,400}?@license/.test(text)) return true;
  return text.length >= PACKED.length && text.length / (text.split('\n').length || 1) > PACKED.perLine;
}
