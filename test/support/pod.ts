/**
 * A pod of deploy/kubernetes in a real container: runc with what its manifest says of user, capabilities, system calls, root file system,
 * volumes, memory and grace. This machine's programs stand in for the image's, and its network for the cluster's.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Manifest } from '../../scripts/kubernetes/manifests.ts';
import {
  type Container,
  type Deployment,
  type PodSpec,
  quantity,
  variablesOf,
} from '../../scripts/kubernetes/views.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROFILE = join(ROOT, 'deploy/kubernetes/chromium-sandbox/nightreel-chromium.json');
/** Where the image has the code. */
const CODE = '/nightreel';
const run = promisify(execFile);
/** Mounts and control groups are root's. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly op: string }[];
}
interface Profile {
  readonly syscalls: readonly Rule[];
}

/** What a container runtime allows by itself, of which ours is made: without what Chromium's sandbox needs besides. */
export function runtimeDefault(profile: Profile): Profile {
  const syscalls = profile.syscalls
    .filter(({ names }) => !['chroot', 'unshare'].includes(names.join()))
    .map((rule) =>
      rule.names.join() === 'clone'
        ? { ...rule, args: rule.args?.map((each) => ({ ...each, value: 0x7e020000 })) }
        : rule,
    );
  return { ...profile, syscalls };
}

export class Pod implements AsyncDisposable {
  private readonly folder: string;
  readonly name: string;
  private readonly child: ChildProcess;
  /** All that it logs, once it has ended. */
  readonly log: Promise<string>;
  private readonly ended: Promise<unknown>;

  private constructor(folder: string, name: string, child: ChildProcess) {
    this.folder = folder;
    this.name = name;
    this.child = child;
    this.log = child.stdout === null ? Promise.resolve('') : text(child.stdout);
    this.ended = once(child, 'close');
  }

  /** @param variables in place of the ConfigMap's and the Secret's of the same name. */
  static async start(
    deployment: Deployment,
    manifests: readonly Manifest[],
    variables: Readonly<Record<string, string>>,
  ): Promise<Pod> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-pod-'));
    const { spec } = deployment.spec.template;
    const [container] = spec.containers;
    if (container === undefined) throw new Error('a pod without a container');
    const config = await configOf(spec, container, folder, {
      ...Object.fromEntries([...variablesOf(container, manifests)].filter(([, value]) => value !== null)),
      ...variables,
    });
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    const name = `${folder.split('/').at(-1)}`;
    const [program = 'runc', ...args] = [...AS_ROOT, 'runc', 'run', '--bundle', folder, name];
    // What goes wrong in it is on the same pipe.
    const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', program, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Pod(folder, name, child);
  }

  /** Runs a command in the container, as its user; what it prints, or its exit code. */
  async exec(...command: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
    const [program = '', ...args] = [...AS_ROOT, 'runc', 'exec', this.name, ...command];
    try {
      return { code: 0, stdout: (await run(program, args)).stdout };
    } catch (error) {
      const { code, stdout } = error as { readonly code: number; readonly stdout: string };
      return { code, stdout };
    }
  }

  /** As kubelet does: SIGTERM, and after the grace the end. Returns the exit code. */
  async stop(): Promise<number | null> {
    await this.signal('TERM');
    await this.ended;
    return this.child.exitCode;
  }

  async signal(signal: 'TERM' | 'KILL'): Promise<void> {
    const [program = '', ...args] = [...AS_ROOT, 'runc', 'kill', this.name, signal];
    await run(program, args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) {
      await this.signal('KILL').catch(() => this.child.kill('SIGKILL'));
      await this.ended;
    }
    // What it was mounted on is root's; and should a mount still be there, it is left alone.
    const [program = '', ...args] = [...AS_ROOT, 'rm', '-rf', '--one-file-system', this.folder];
    await run(program, args);
  }
}

async function configOf(pod: PodSpec, container: Container, folder: string, variables: Record<string, string | null>) {
  const root = join(folder, 'root');
  await mkdir(root);
  await Promise.all(['bin', 'lib', 'lib64', 'sbin'].map((name) => symlink(`usr/${name}`, join(root, name))));
  // As kubelet makes volumes for fsGroup: runc gives them the mode of what they are mounted on.
  for (const { mountPath } of container.volumeMounts ?? []) {
    await mkdir(join(root, mountPath), { recursive: true });
    await chmod(join(root, mountPath), 0o2777);
  }
  const { runAsUser = 0, runAsGroup = 0, fsGroup = 0, seccompProfile } = pod.securityContext as Record<string, never>;
  const security = container.securityContext ?? {};
  const kept = security.capabilities?.drop?.includes('ALL') ? [] : ['CAP_NET_RAW'];
  const { stdout: node } = await run(join(ROOT, 'scripts/find-node.sh'));
  const programs = dirname(node.trim());
  // One of the repository's own is found there.
  const own = ['/usr', '/etc', '/opt', '/var/cache/fontconfig', programs].filter(
    (path) => existsSync(path) && !path.startsWith(`${ROOT}/`),
  );
  const profile = JSON.parse(await readFile(PROFILE, 'utf8')) as Profile;
  const isLocal = (seccompProfile as { readonly type: string } | undefined)?.type === 'Localhost';
  const limits = container.resources?.limits ?? {};
  const env = Object.entries({ ...variables, HOME: '/', PATH: `${programs}:/usr/local/bin:/usr/bin:/bin` });
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: runAsUser, gid: runAsGroup, additionalGids: [fsGroup] },
      args: [`${CODE}/bin/nightreel`, ...(container.args ?? [])],
      env: env.map(([name, value]) => `${name}=${value}`),
      cwd: CODE,
      capabilities: { bounding: kept, effective: kept, permitted: kept },
      noNewPrivileges: security.allowPrivilegeEscalation === false,
    },
    root: { path: root, readonly: security.readOnlyRootFilesystem === true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
      },
      { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'nodev', 'mode=1777', 'size=64m'] },
      ...own.map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] })),
      { destination: CODE, type: 'bind', source: ROOT, options: ['rbind', 'ro'] },
      // Those on the node's disk are in memory here, too.
      ...(container.volumeMounts ?? []).map(({ name, mountPath }) => {
        const size = quantity(pod.volumes?.find((volume) => volume.name === name)?.emptyDir?.sizeLimit);
        const options = ['nosuid', 'nodev', 'mode=2777', 'uid=0', `gid=${fsGroup}`, `size=${size}`];
        return { destination: mountPath, type: 'tmpfs', source: 'tmpfs', options };
      }),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      resources: {
        memory: { limit: quantity(limits['memory']) },
        cpu: { quota: quantity(limits['cpu']) * 100_000, period: 100_000 },
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      seccomp: isLocal ? profile : runtimeDefault(profile),
    },
  };
}
