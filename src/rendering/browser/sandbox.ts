/**
 * Whether Chromium's own sandbox, which keeps a page that has broken out of its engine from files and from the network, can be on
 * here. It needs user namespaces, and a user who is not root.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { codeOf } from '../../machine/system-error.ts';
import { textOf } from './process-tree.ts';

export interface Sandbox {
  /** What stands before Chromium's own command line. */
  readonly command: readonly string[];
  /** Why it is off; null when it is on. */
  readonly whyOff: string | null;
}

/** Root to everybody outside, nobody to itself and without root's abilities: Chromium refuses its sandbox to root. */
const AS_NOBODY = ['/usr/bin/env', 'unshare', '--user', '--map-user=65534', '--map-group=65534', '--'] as const;
const LIMIT_MS = 5_000;

let found: Promise<Sandbox> | undefined;

/** What this process can have, found out once. */
export const findSandbox = (): Promise<Sandbox> => (found ??= look());

/** For when Chromium does not start with what was found, but without: whatever follows goes without. */
export function giveUpSandbox(): void {
  found = Promise.resolve({ command: [], whyOff: whyNot() ?? 'Chromium does not start with it' });
}

async function look(): Promise<Sandbox> {
  const isRoot = process.getuid?.() === 0;
  // Elsewhere it needs nothing of the kind.
  if (process.platform !== 'linux') return { command: [], whyOff: null };
  const command = isRoot ? AS_NOBODY : [];
  // Chromium makes one of its own, inside of what it is started in.
  const [program = '', ...args] = [...command, 'unshare', '--user', 'true'];
  try {
    await promisify(execFile)(program, args, { timeout: LIMIT_MS, env: { PATH: '/usr/local/bin:/usr/bin:/bin' } });
    return { command, whyOff: null };
  } catch (error) {
    // A user who is not root needs no `unshare`; and a helper with root's rights (chrome-sandbox) does without namespaces.
    return { command: [], whyOff: isRoot ? (whyNot(error) ?? 'the kernel lets it make no user namespace') : null };
  }
}

/** In words, from what the kernel says of itself; null when that does not tell. */
function whyNot(error?: unknown): string | null {
  const said = (path: string): string => textOf(path).trim();
  // As env(1) says it.
  if (codeOf(error) === 127) {
    return 'this is root, whom Chromium refuses its sandbox, and util-linux (`unshare`) is not installed';
  }
  if (said('/proc/sys/user/max_user_namespaces') === '0') return 'user.max_user_namespaces is 0';
  if (said('/proc/sys/kernel/unprivileged_userns_clone') === '0') return 'kernel.unprivileged_userns_clone is 0';
  if (said('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'kernel.apparmor_restrict_unprivileged_userns is 1';
  }
  if (/^Seccomp:\s+2$/m.test(said('/proc/self/status'))) {
    return 'a seccomp profile, most likely that of the container, does not let it make user namespaces';
  }
  return null;
}
