/** template.json as text, so that what is wrong in it has a line. */

import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Place } from '../rules.ts';
import type { TextFile } from './text-file.ts';

export type JsonPath = readonly (string | number)[];

export class Declaration {
  readonly file: TextFile;
  /** Undefined when the text is no JSON; `fault` says why. */
  readonly value: unknown;
  readonly fault: { readonly place: Place; readonly message: string } | null;
  private readonly root: Node | undefined;

  constructor(file: TextFile) {
    this.file = file;
    const errors: ParseError[] = [];
    this.root = parseTree(file.text, errors, { disallowComments: true });
    try {
      this.value = JSON.parse(file.text);
      this.fault = null;
    } catch {
      const [first] = errors;
      const message = first === undefined ? 'not JSON' : wordsOf(printParseErrorCode(first.error));
      this.fault = { place: file.place(first?.offset ?? 0), message };
    }
  }

  /** Of the value at this path, its name included; of the nearest one around it that is there. */
  placeOf(path: JsonPath): Place {
    for (let length = path.length; length > 0 && this.root !== undefined; length -= 1) {
      const node = findNodeAtLocation(this.root, path.slice(0, length));
      if (node === undefined) continue;
      const whole = node.parent?.type === 'property' ? node.parent : node;
      return this.file.place(whole.offset);
    }
    return this.file.place(this.root?.offset ?? 0);
  }
}

/** `ValueExpected` → `value expected`. */
const wordsOf = (code: string): string => code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
