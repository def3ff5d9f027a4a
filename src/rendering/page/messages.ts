/** What a template says: the last of its console messages and of its errors. */

import type { Protocol } from 'puppeteer';
import type { Template } from '../../templates/template.ts';
import { PageError } from '../browser/page-error.ts';
import { placeOf } from './place.ts';

/** `thrown`: an error that nobody in the page caught, or that it threw at the engine. */
export const MESSAGE_LEVELS = ['debug', 'info', 'warning', 'error', 'thrown'] as const;
export type MessageLevel = (typeof MESSAGE_LEVELS)[number];

export interface PageMessage {
  readonly level: MessageLevel;
  /** The page's own words: they may quote a recipient. */
  readonly text: string;
  /** `at draw (index.html:29:58)`, which holds nothing but what its author wrote; empty when it is not known. */
  readonly place: string;
}

const KEPT = 20;
/** Longer ones are data that somebody printed, not something to read. */
const TEXT_LIMIT = 300;
const ARGUMENTS = 10;

export class PageMessages {
  private kept: PageMessage[] = [];
  /** Told once, however often the engine meets it. */
  private told = new WeakSet<PageError>();
  private template: Pick<Template, 'files'> | null = null;

  get last(): readonly PageMessage[] {
    return this.kept;
  }

  /** From now on these are about this template's next params. */
  forget(template: Pick<Template, 'files'>): void {
    this.template = template;
    this.kept = [];
    this.told = new WeakSet();
  }

  noteCall({ type, args, stackTrace }: Protocol.Runtime.ConsoleAPICalledEvent): void {
    const text = args.slice(0, ARGUMENTS).map(textOf).join(' ');
    const frames = (stackTrace?.callFrames ?? []).map(({ functionName, url, lineNumber, columnNumber }) => ({
      ...{ functionName: functionName.split('.').at(-1) ?? '', url },
      ...{ line: lineNumber + 1, column: columnNumber + 1 },
    }));
    this.keep(levelOf(type), text, new PageError('', text, frames));
  }

  noteError(error: PageError): void {
    if (this.told.has(error)) return;
    this.told.add(error);
    this.keep('thrown', error.message, error);
  }

  private keep(level: MessageLevel, text: string, from: PageError): void {
    const place = this.template === null ? '' : placeOf(from, this.template);
    this.kept.push({ level, text: text.slice(0, TEXT_LIMIT), place });
    if (this.kept.length > KEPT) this.kept.shift();
  }
}

/** Of an object its description, which of an error is its first line. */
const textOf = ({ value, description, unserializableValue, type }: Protocol.Runtime.RemoteObject): string =>
  (typeof value === 'object' && value !== null
    ? (description ?? type)
    : String(value ?? unserializableValue ?? description ?? type)
  ).split('\n')[0] ?? '';

function levelOf(type: Protocol.Runtime.ConsoleAPICalledEvent['type']): MessageLevel {
  if (type === 'error' || type === 'assert') return 'error';
  if (type === 'warning' || type === 'debug') return type;
  return 'info';
}
