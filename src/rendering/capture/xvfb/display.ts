/** One Xvfb: a display that nobody sees, and whose pixels lie in a file in memory. From its start to its last trace. */

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Failure } from '../../../contracts/failures.ts';
import { createOwned, ownedRoot, removeOwned, sweepOwned } from '../../../machine/owned-folders.ts';
import { freeBytes } from '../../browser/shared-memory.ts';
import { killGroup, spawnTied } from '../../browser/tied-process.ts';
import type { Size } from '../../geometry.ts';
import { ScreenDamage } from './damage.ts';
import { readFramebufferHeader } from './framebuffer-header.ts';

export interface DisplayOptions {
  /** Path of Xvfb. */
  readonly xvfb: string;
  readonly screen: Size;
}

const START_LIMIT_MS = 15_000;
const CLOSE_LIMIT_MS = 2_000;
const SHARED_MEMORY = '/dev/shm';
const KIND = 'displays';

export class VirtualDisplay implements AsyncDisposable {
  /** Its name for DISPLAY. */
  readonly name: string;
  /** A file for XAUTHORITY: nobody else can connect. */
  readonly authority: string;
  readonly screen: Size;
  /** Bytes from one row of the screen to the next, four of them a pixel: blue, green, red, nothing. */
  readonly strideBytes: number;
  /** What is drawn on it. */
  readonly damage: ScreenDamage;
  /** Aborted with a `Failure` of class `BrowserCrashed` when it ends by itself. */
  readonly broken: AbortSignal;
  private readonly server: ChildProcess;
  private readonly folder: string;
  private readonly file: number;
  private readonly firstByte: number;
  private closing: Promise<void> | null = null;

  private constructor(
    server: ChildProcess,
    about: Pick<VirtualDisplay, 'name' | 'authority' | 'screen' | 'damage' | 'broken'> & {
      folder: string;
      file: number;
    },
  ) {
    this.server = server;
    this.folder = about.folder;
    this.name = about.name;
    this.authority = about.authority;
    this.screen = about.screen;
    this.file = about.file;
    this.damage = about.damage;
    this.broken = about.broken;
    const { strideBytes, firstByte } = readFramebufferHeader(this.file, about.screen);
    this.strideBytes = strideBytes;
    this.firstByte = firstByte;
  }

  /** Failure `ToolMissing` when it does not start. */
  static async start({ xvfb, screen }: DisplayOptions, signal: AbortSignal): Promise<VirtualDisplay> {
    const folder = await createOwned(ownedRoot(baseFor(screen), KIND));
    let server: ChildProcess | null = null;
    try {
      const authority = join(folder, 'authority');
      const key = randomBytes(16);
      await writeFile(authority, authorityOf(key), { mode: 0o600 });
      const geometry = `${screen.width}x${screen.height}x24`;
      server = spawnTied(
        xvfb,
        [
          ...['-displayfd', '3', '-screen', '0', geometry, '-fbdir', folder, '-auth', authority],
          ...['-nocursor', '-nolisten', 'tcp', '-noreset'],
        ],
        { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder } },
      );
      const number = await displayNumber(server, xvfb, signal);
      const ended = new AbortController();
      server.once('exit', (code, killer) => {
        ended.abort(new Failure('BrowserCrashed', `The virtual display ended (${killer ?? `code ${code}`}).`));
      });
      const damage = await ScreenDamage.watch(number, key);
      const file = openSync(join(folder, 'Xvfb_screen0'), 'r');
      return new VirtualDisplay(server, {
        ...{ folder, name: `:${number}`, authority, screen, damage, file },
        broken: ended.signal,
      });
    } catch (error) {
      if (server !== null) await end(server);
      await removeOwned(folder);
      throw error;
    }
  }

  /** Removes what displays of killed processes have left. */
  static async sweep(): Promise<number> {
    const counts = await Promise.all([SHARED_MEMORY, tmpdir()].map((base) => sweepOwned(ownedRoot(base, KIND))));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  get pid(): number | undefined {
    return this.server.pid;
  }

  /** Whether a client hands it pictures in memory that both see (MIT-SHM), which the system may refuse. Learnt from proc(5). */
  hasSharedMemory(): boolean {
    try {
      return readFileSync(`/proc/${this.pid}/maps`, 'latin1').includes('/SYSV');
    } catch {
      return false;
    }
  }

  /** Fills `target` with the screen's pixels, row after row in full width, from byte `at` on. */
  read(target: Buffer, at: number): void {
    const count = readSync(this.file, target, 0, target.byteLength, this.firstByte + at);
    if (count !== target.byteLength) throw new Failure('Internal', `Byte ${at} does not lie on the virtual display.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.damage[Symbol.dispose]();
    this.closing ??= end(this.server).then(async () => {
      closeSync(this.file);
      await removeOwned(this.folder);
    });
    await this.closing;
  }
}

/** In memory, unless there is too little of it: then in a file, which works as well and is written to disk now and then. */
function baseFor({ width, height }: Size): string {
  return freeBytes(SHARED_MEMORY) > 2 * width * height * 4 ? SHARED_MEMORY : tmpdir();
}

/** It writes the number that it found free, as soon as it takes connections. */
async function displayNumber(server: ChildProcess, xvfb: string, signal: AbortSignal): Promise<number> {
  const [, , stderr, numbers] = server.stdio;
  if (!stderr || !numbers || !('on' in numbers) || !('on' in stderr) || !('read' in stderr)) {
    throw new Failure('Internal', 'Xvfb was started without its pipes.');
  }
  const words = text(stderr as NodeJS.ReadableStream).catch(() => '');
  const failed = async (how: string, cause?: unknown): Promise<Failure> => {
    server.kill('SIGKILL');
    const last = (await words).trim().split('\n').slice(-3).join(' | ');
    const said = last === '' ? '' : `: ${last}`;
    return new Failure('ToolMissing', `${xvfb} ${how}${said}. Install Xvfb (Debian: \`apt-get install xvfb\`).`, {
      cause,
    });
  };
  const started = once(numbers, 'data', { signal: AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT_MS)]) });
  const ended = once(server, 'exit').then(
    () => null,
    (error: unknown) => ({ error }),
  );
  started.catch(() => undefined);
  try {
    const outcome = await Promise.race([started, ended]);
    if (outcome === null) throw await failed('ended at its start');
    if ('error' in outcome)
      throw new Failure('ToolMissing', `${xvfb} cannot be run. Install Xvfb.`, { cause: outcome.error });
    const number = Number(String(outcome[0]));
    if (!Number.isInteger(number)) throw await failed('did not tell its display');
    return number;
  } catch (error) {
    if (error instanceof Failure) throw error;
    signal.throwIfAborted();
    throw await failed(`was not ready within ${START_LIMIT_MS} ms`, error);
  }
}

/** An Xauthority file with one key, for connections to any display (Xau(3)). */
function authorityOf(key: Buffer): Buffer {
  const FAMILY_WILD = 65_535;
  const counted = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.byteLength);
    return Buffer.concat([length, bytes]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(FAMILY_WILD);
  const parts = [Buffer.alloc(0), Buffer.alloc(0), Buffer.from('MIT-MAGIC-COOKIE-1'), key];
  return Buffer.concat([family, ...parts.map(counted)]);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const { pid } = server;
  const gone = once(server, 'exit');
  const timer = setTimeout(() => killGroup(pid), CLOSE_LIMIT_MS);
  // Asked nicely it removes its lock and its socket.
  server.kill('SIGTERM');
  await gone;
  clearTimeout(timer);
}
