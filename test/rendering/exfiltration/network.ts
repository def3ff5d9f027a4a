/** A network of one's own: whatever is sent to anywhere comes back to this machine, and the kernel counts it. */

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support.ts';

export type Attempts = Partial<Record<'load' | 'later', Record<string, string>>>;

/** Stands for a secret in the environment of a worker. */
export const CANARY = 'nightreel-canary-secret';

export interface BareResult {
  readonly attempts: Attempts;
  readonly reached: readonly string[];
  /** Files that a page had the browser save. */
  readonly downloads: readonly string[];
}

export interface GuardedResult extends BareResult {
  /** What a whole render of it came to; null where none was tried. */
  readonly rendered: {
    readonly failure: { readonly failureClass: string; readonly message: string };
    /** Whether the one after it had the same bytes as the one before. */
    readonly isSameAfterwards: boolean;
    /** What ran, and which of that had the canary in its environment. */
    readonly programs: readonly string[];
    readonly knowing: readonly string[];
  } | null;
  readonly reads: Readonly<Record<string, string>>;
  readonly asks: Readonly<Record<string, string>>;
  /** How the next template was opened after a page had gone elsewhere. */
  readonly leaves: readonly string[];
  readonly sandboxed: readonly boolean[];
  /** Of any kind, to anywhere; 0 as well where the network is everybody's. */
  readonly packets: number;
}

/** Twenty times what it takes; whoever is still at it then stands still. */
const LIMIT_MS = 400_000;
const ALONE = 'NIGHTREEL_TEST_ALONE';
/** Every address is this machine's. */
const ALL_LOCAL =
  'ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo && exec "$@"';
const COUNTERS = {
  '/proc/net/snmp': { Ip: ['OutRequests', 'OutNoRoutes'], Tcp: ['ActiveOpens'], Udp: ['OutDatagrams'] },
  '/proc/net/snmp6': ['Ip6OutRequests', 'Ip6OutNoRoutes', 'Udp6OutDatagrams'],
} as const;

export const isAlone = (): boolean => process.env[ALONE] === '1';

/** What makes a network for a command; null where the kernel or this user may not have one. */
function ownNetwork(): readonly string[] | null {
  for (const how of [['--net'], ['--map-root-user', '--net']]) {
    const command = [...how, 'sh', '-c', ALL_LOCAL, 'sh'];
    try {
      execFileSync('unshare', [...command, 'true'], { stdio: 'ignore' });
      return command;
    } catch {
      // The next one.
    }
  }
  return null;
}

const network = ownNetwork();
/** Whether `run` owns its network: else only what comes to the listener's own port is seen. */
export const hasOwnNetwork = network !== null;

/** Runs `run.ts` with these arguments. Throws what it wrote on its way when it fails, or is not done in time. */
export async function run<Result>(args: readonly string[]): Promise<Result> {
  const command = ['bash', join(ROOT, 'scripts/node.sh'), join(ROOT, 'test/rendering/exfiltration/run.ts'), ...args];
  const [program = '', ...rest] = network === null ? command : ['unshare', ...network, ...command];
  const secrets = { AWS_SECRET_ACCESS_KEY: CANARY, TEMPORAL_API_KEY: CANARY };
  const env = { ...process.env, ...secrets, ...(network === null ? {} : { [ALONE]: '1' }) };
  const { stdout } = await promisify(execFile)(program, rest, {
    env,
    cwd: ROOT,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result;
}

/** Packets that this network has sent since it is there. */
export function packetsSent(): number {
  if (!isAlone()) return 0;
  const four = tableOf(readFileSync('/proc/net/snmp', 'utf8'));
  const six = new Map(
    readFileSync('/proc/net/snmp6', 'utf8')
      .split('\n')
      .map((line) => line.split(/\s+/) as [string, string]),
  );
  const counts = [
    ...Object.entries(COUNTERS['/proc/net/snmp']).flatMap(([group, names]) =>
      names.map((name) => four.get(`${group} ${name}`)),
    ),
    ...COUNTERS['/proc/net/snmp6'].map((name) => six.get(name)),
  ];
  if (counts.some((count) => count === undefined)) throw new Error('This kernel does not count packets as expected.');
  return counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

/** Two lines for each protocol: the names, and their values. */
function tableOf(text: string): ReadonlyMap<string, string> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(/:? /));
  return new Map(
    lines.flatMap(([group = '', ...names], at) =>
      at % 2 === 0 ? names.map((name, column) => [`${group} ${name}`, lines[at + 1]?.[column + 1] ?? ''] as const) : [],
    ),
  );
}
