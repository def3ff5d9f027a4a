/** What a page's own script threw, taken apart: what may be told to everybody, and what may quote a recipient. */

import type { Protocol } from 'puppeteer';

/** One call in a script, as V8 writes it into a stack. */
export interface StackFrame {
  /** Without its receiver: `draw` for `Scene.draw`; empty when it has none. */
  readonly functionName: string;
  readonly url: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** The message is the page's own text and may quote a recipient; `type` and `frames` come from its code. */
export class PageError extends Error {
  /** Name of the constructor of what was thrown, `RangeError` for instance; `Error` when it has no usable one. */
  readonly type: string;
  /** Innermost first. */
  readonly frames: readonly StackFrame[];

  constructor(type: string, text: string, frames: readonly StackFrame[]) {
    super(text);
    this.type = type;
    this.frames = frames;
  }
}

/** Longer texts are data that somebody threw, not something to read. */
const TEXT_LIMIT = 1_000;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const FRAME = /^at (?:async )?(?:(?<call>.+) \()?(?<url>[^\s()]+):(?<line>\d+):(?<column>\d+)\)?$/;
/** The last name of `draw`, `new Scene`, `Object.draw`, `Scene.#draw`, `Timeline.update [as onUpdate]`. */
const FUNCTION_NAME = /(?:^|[.\s#])(?<name>[\p{ID_Start}$_][\p{ID_Continue}$]*)(?: \[as .+\])?$/u;

export function pageErrorOf({
  exception,
  text: fallback,
  url,
  lineNumber,
  columnNumber,
}: Protocol.Runtime.ExceptionDetails): PageError {
  // A thrown string has no description, and only of objects is the class name that of a constructor.
  const [text = '', ...rest] = String(exception?.description ?? exception?.value ?? fallback).split('\n');
  const { className = '' } = exception ?? {};
  const frames = rest.flatMap(parseFrame);
  // A script that does not even parse has no stack; Chromium still says where.
  if (frames.length === 0 && url !== undefined) {
    frames.push({ functionName: '', url, line: lineNumber + 1, column: columnNumber + 1 });
  }
  return new PageError(IDENTIFIER.test(className) ? className : 'Error', text.trim().slice(0, TEXT_LIMIT), frames);
}

function parseFrame(line: string): StackFrame[] {
  const found = FRAME.exec(line.trim())?.groups;
  if (found === undefined) return [];
  return [
    {
      functionName: FUNCTION_NAME.exec(found.call ?? '')?.groups?.name ?? '',
      url: found.url ?? '',
      line: Number(found.line),
      column: Number(found.column),
    },
  ];
}
