/**
 * Programs that end with this process, however it ends: also killed, also while they are stopped or hang. A small shell in a
 * session of its own reads which ones there are from a pipe. When the pipe closes, this process is gone, and so are they.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Chromium and ffmpeg end by their own pipes and tidy up; whoever has not by then is killed. */
const GRACE_SECONDS = 2;
/** Beyond that the kernel holds it, and waiting does not help. */
const END_LIMIT_MS = 5_000;
const LOOK_MS = 10;

/** `+ N` and `- N` put the target of a kill(1) on the list and take it off. Every line ends with a builtin's success. */
const WATCH = `
trap '' INT TERM HUP
targets=' '
while read -r sign target; do
  case $sign in
    +) targets="$targets$target " ;;
    -) case $targets in *" $target "*) targets="\${targets%%" $target "*} \${targets#*" $target "}" ;; esac ;;
  esac
done
[ "$targets" = ' ' ] && exit 0
sleep ${GRACE_SECONDS}
for target in $targets; do kill -s KILL -- "$target" 2>/dev/null; done
`;

let watchdog: ChildProcess | null = null;
const targets = new Set<string>();

/**
 * Starts a program as the leader of a process group that ends with this process. Whatever is left of the group when the
 * program ends is killed too. Otherwise as `spawn` of node:child_process.
 */
export function spawnTied(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  watch();
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid === undefined) return child;
  const untie = tieGroup(pid);
  child.once('exit', () => {
    killGroup(pid);
    untie();
  });
  return child;
}

/** Ties a process group that exists already; returns how to let go of it, which must be done once it has ended. */
export const tieGroup = (leaderPid: number): (() => void) => tie(`-${leaderPid}`);

/** Ties one process that leads no group. */
export const tieProcess = (pid: number): (() => void) => tie(`${pid}`);

/** Kills what is left of a process group. Returns whether anything was. */
export function killGroup(leaderPid: number): boolean {
  try {
    process.kill(-leaderPid, 'SIGKILL');
    return true;
  } catch {
    // ESRCH: nothing is left.
    return false;
  }
}

/** Kills what is left of a process group and waits until it is gone: a large process takes a while to give its memory back. */
export async function endGroup(leaderPid: number): Promise<void> {
  for (let waitedMs = 0; killGroup(leaderPid) && waitedMs < END_LIMIT_MS; waitedMs += LOOK_MS) await sleep(LOOK_MS);
}

function tie(target: string): () => void {
  watch();
  targets.add(target);
  tell('+', target);
  return () => {
    if (targets.delete(target)) tell('-', target);
  };
}

const tell = (sign: '+' | '-', target: string): void => void watchdog?.stdin?.write(`${sign} ${target}\n`);

/** Starts the shell; one that somebody killed is started again when the next program is tied. */
function watch(): void {
  if (watchdog !== null) return;
  const shell = spawn('/bin/sh', ['-c', WATCH], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  });
  const forget = (): void => {
    if (watchdog === shell) watchdog = null;
  };
  shell.on('error', forget);
  shell.on('exit', forget);
  shell.stdin.on('error', forget);
  // It watches this process and must not keep it alive.
  shell.unref();
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
  watchdog = shell;
  for (const target of targets) tell('+', target);
}
