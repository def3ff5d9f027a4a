/** How far something is whose end nobody knows: one line that changes on a terminal, a line now and then anywhere else. */

import { clearLine, cursorTo } from 'node:readline';
import { count } from '../reporting/format.ts';

const LINE_EVERY_MS = 10_000;
const TERMINAL_EVERY_MS = 100;

export interface ScanProgress extends Disposable {
  /** `1,204 pointers read`. */
  update(what: string, done: number): void;
}

/** @param now milliseconds of any clock that only goes forward. */
export function createScanProgress(
  stream: NodeJS.WritableStream & { readonly isTTY?: boolean },
  now: () => number = () => performance.now(),
): ScanProgress {
  let shownAt = now();
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS;
  const wipe = (): void => {
    cursorTo(stream, 0);
    clearLine(stream, 0);
  };
  return {
    update(what, done) {
      if (now() - shownAt < everyMs) return;
      shownAt = now();
      const text = `${count(done)} ${what}`;
      if (!isTerminal) {
        stream.write(`${text}\n`);
        return;
      }
      wipe();
      stream.write(text);
    },
    [Symbol.dispose]() {
      if (isTerminal) wipe();
    },
  };
}
