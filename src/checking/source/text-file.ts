/** One file of a template that is text: what it says, and which line an offset of it is in. */

import { Lines } from '../lines.ts';
import type { Place } from '../rules.ts';

export class TextFile {
  readonly path: string;
  readonly text: string;
  /** Of the first byte that is not UTF-8; null when all are. What cannot be read stands as U+FFFD in `text`. */
  readonly brokenLine: number | null;
  private readonly lines: Lines;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.text = new TextDecoder().decode(bytes);
    this.lines = new Lines(this.text);
    this.brokenLine = isUtf8(bytes) ? null : this.place(firstBroken(bytes)).line;
  }

  place(offset: number): Place {
    return { file: this.path, line: this.lines.at(offset) };
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Offset in the decoded text: where encoding it again gives another byte. */
function firstBroken(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(text);
  const at = again.findIndex((byte, index) => byte !== bytes[index]);
  return new TextDecoder().decode(bytes.subarray(0, Math.max(0, at))).length;
}
