/** What processes send to a disk: what they write to files of a file system in memory is not counted. Linux: proc(5). */

import { textOf } from '../../src/rendering/browser/process-tree.ts';
import { readProcesses } from '../usage.ts';

/** Of this process and its descendants since they began, with those that have ended and were waited for; without `except`. */
export function bytesSentToDisk({ except }: { readonly except: RegExp }): number {
  const all = readProcesses();
  const children = (pid: number): number[] =>
    all.filter(({ parent, program }) => parent === pid && !except.test(program)).map((child) => child.pid);
  const of = (pid: number): number =>
    Number(/^write_bytes: (\d+)$/m.exec(textOf(`/proc/${pid}/io`))?.[1] ?? 0) +
    children(pid).reduce((sum, child) => sum + of(child), 0);
  return of(process.pid);
}
