/** Clocks: who sets that of this machine, and how far it is from those of the servers. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bad, type Check, fine, poor } from './check.ts';

/** Workers call one another gone after 75 s of silence, and ask for work once a minute. */
const NOTICEABLE_MS = 5_000;
/** docs/guarantees.md takes it for granted that no two are further apart. */
const TOO_MUCH_MS = 60_000;
const ANSWER_WITHIN_MS = 3_000;
const TODO =
  'Have NTP set the clocks (chrony, systemd-timesyncd): workers that are a minute apart take each other for gone.';

/** Milliseconds since 1970: a server's time, as exactly as it tells, and ours before it was asked and after it had answered. */
export interface Reading {
  readonly server: { readonly from: number; readonly to: number };
  readonly own: { readonly sentAt: number; readonly seenAt: number };
}

/** By how many milliseconds the server is ahead of us at the least; negative: behind. 0 when both may show the same. */
export function aheadBy({ server, own }: Reading): number {
  if (server.from > own.seenAt) return server.from - own.seenAt;
  if (server.to < own.sentAt) return server.to - own.sentAt;
  return 0;
}

export function checkServerClock(aheadMs: number): Check {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) < NOTICEABLE_MS) return fine('clock', `no more than ${seconds + 1} s from this machine's`);
  const found = `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return (Math.abs(aheadMs) < TOO_MUCH_MS ? poor : bad)('clock', found, TODO);
}

/** systemd knows; a container, whose clock is its host's, mostly does not. */
export async function checkOwnClock(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: ANSWER_WITHIN_MS,
    });
    if (stdout.trim() === 'yes') return fine('clock', 'set by NTP');
    if (stdout.trim() === 'no') return poor('clock', 'not set by NTP', TODO);
  } catch {
    // There is no systemd to ask.
  }
  return fine('clock', 'who sets it cannot be told here; the servers’ are compared with it below');
}
