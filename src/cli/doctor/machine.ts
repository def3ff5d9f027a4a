/** What can be learnt of this machine without starting a browser. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTool, type ToolName } from '../../config/tools.ts';
import { packageVersion } from '../../config/version.ts';
import { asFailure } from '../../contracts/failures.ts';
import { orphansIn, ownedRoot, sweepOwned, workRoot } from '../../machine/owned-folders.ts';
import { profileRoots, sweepAllProfiles, sweepSharedMemory } from '../../rendering/browser/profiles.ts';
import { findSandbox } from '../../rendering/browser/sandbox.ts';
import { hasLittleSharedMemory } from '../../rendering/browser/shared-memory.ts';
import { machineSize, SHARED_BYTES, SLOT_BYTES, slotsFor } from '../../rendering/browser/sizing.ts';
import { VirtualDisplay } from '../../rendering/capture/xvfb/display.ts';
import { ENCODERS } from '../../rendering/encode/options.ts';
import { probeToolchain, type Toolchain } from '../../rendering/encode/toolchain.ts';
import { temporalSdkVersion, workflowVersion } from '../../workers/workflow-version.ts';
import { bad, type Check, fine, poor } from './check.ts';

const MiB = 1024 * 1024;
const LEAST_NODE = 24;
/** A profile takes about 20 MB; without /dev/shm, pictures lie here too. */
const LEAST_TEMPORARY_BYTES = 1024 * MiB;
const SHARED_MEMORY = '/dev/shm';

export async function checkVersions(): Promise<Check> {
  const found = `${packageVersion()}, Temporal SDK ${temporalSdkVersion()}, workflow code ${await workflowVersion()}`;
  return fine('Nightreel', found);
}

export function checkNode(): Check {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= LEAST_NODE) return fine('Node.js', node);
  return bad('Node.js', node, `Install Node.js ${LEAST_NODE} or later (\`nightreel setup\`).`);
}

/** A program, and the check that says where it is. */
export interface ToolCheck {
  readonly path: string | undefined;
  readonly check: Check;
}

const TOOLS = {
  chromium: ['Chromium', 'Install it (Debian: `apt-get install chromium`) or set NIGHTREEL_CHROMIUM.'],
  headlessShell: [
    'headless shell',
    'Install it (Debian: `apt-get install chromium-headless-shell`) or set NIGHTREEL_HEADLESS_SHELL.',
  ],
  xvfb: [
    'Xvfb',
    'Install it for the fastest way of capturing frames (Debian: `apt-get install xvfb`) or set NIGHTREEL_XVFB.',
  ],
  ffmpeg: ['ffmpeg', 'Install it (Debian: `apt-get install ffmpeg`) or set NIGHTREEL_FFMPEG.'],
} as const satisfies Record<ToolName, readonly [string, string]>;

/** Rendering works without some: whether it does, the routes tell. */
export function checkTool(tool: ToolName): ToolCheck {
  const [name, todo] = TOOLS[tool];
  try {
    const path = findTool(tool);
    if (path !== undefined) return { path, check: fine(name, path) };
    const missing = tool === 'ffmpeg' ? bad : poor;
    return { path: undefined, check: missing(name, 'not found', todo) };
  } catch (error) {
    return { path: undefined, check: bad(name, asFailure(error).message, 'Correct the variable, or unset it.') };
  }
}

/** ffmpeg with libx264, by encoding a frame. */
export async function checkFfmpeg(signal: AbortSignal): Promise<{ toolchain: Toolchain | null; check: Check }> {
  const { path, check } = checkTool('ffmpeg');
  if (path === undefined) return { toolchain: null, check };
  try {
    const toolchain = await probeToolchain(path, signal);
    return { toolchain, check: fine(check.name, `${toolchain.ffmpeg} with x264 ${toolchain.x264}, ${path}`) };
  } catch (error) {
    signal.throwIfAborted();
    return { toolchain: null, check: bad(check.name, asFailure(error).message, TOOLS.ffmpeg[1]) };
  }
}

/** Encoders of devices: one that is missing is nothing to worry about. */
export async function checkDevices(ffmpeg: string, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [];
  for (const encoder of ENCODERS.filter((name) => name !== 'x264')) {
    try {
      checks.push(fine(`encoder ${encoder}`, (await probeToolchain(ffmpeg, signal, encoder)).encoder));
    } catch (error) {
      signal.throwIfAborted();
      const [why = ''] = asFailure(error).message.split('\n');
      checks.push(poor(`encoder ${encoder}`, 'not here', why));
    }
  }
  return checks;
}

/** Those that all users have: browsers see no others. */
export async function checkFonts(): Promise<Check> {
  const name = 'system fonts';
  const todo = 'Install some (Debian: `apt-get install fontconfig fonts-dejavu-core`), the same on every worker.';
  try {
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent' };
    const { stdout } = await promisify(execFile)('fc-list', ['--format', '%{file}\n'], { env });
    const count = new Set(stdout.split('\n').filter((line) => line !== '')).size;
    if (count > 0) return fine(name, `${count} files`);
    return poor(name, 'none: a character that a template brings no font for is drawn as a box', todo);
  } catch {
    return poor(name, 'cannot be counted without fc-list, and are no part of the fingerprint', todo);
  }
}

export async function checkSharedMemory(): Promise<Check> {
  const todo = 'Give it 256 MiB or more: `docker run --shm-size=1g`, or a volume of medium Memory.';
  const space = await spaceOf(SHARED_MEMORY);
  if (space === null) return poor(SHARED_MEMORY, 'not there: browsers use files instead, which is slower', todo);
  const found = `${sizeText(space.free)} of ${sizeText(space.total)} free`;
  if (!hasLittleSharedMemory(SHARED_MEMORY)) return fine(SHARED_MEMORY, found);
  return poor(SHARED_MEMORY, `${found}: browsers use files instead, which is slower`, todo);
}

/** Known for sure once a browser has been started: ask after the routes were tried. */
export async function checkSandbox(): Promise<Check> {
  const { whyOff, command } = await findSandbox();
  const name = "Chromium's sandbox";
  if (whyOff === null) return fine(name, command.length > 0 ? 'on, in a user namespace, as this is root' : 'on');
  return poor(name, `off: ${whyOff}`, 'Let it have user namespaces; docs/isolation.md says how.');
}

export async function checkTemporary(): Promise<Check> {
  const folder = tmpdir();
  const name = 'temporary files';
  try {
    await rm(await mkdtemp(join(folder, 'nightreel-doctor-')), { recursive: true });
  } catch (error) {
    return bad(name, `${folder} cannot be written: ${asFailure(error).message}`, 'Make it writable, or set TMPDIR.');
  }
  const space = await spaceOf(folder);
  const found = `${folder}, ${space === null ? 'unknown' : sizeText(space.free)} free`;
  if (space === null || space.free >= LEAST_TEMPORARY_BYTES) return fine(name, found);
  return poor(name, found, 'Make room: profiles of browsers lie there.');
}

export function checkSize(): Check {
  const size = machineSize();
  const slots = slotsFor(size);
  const needed = `${sizeText(SLOT_BYTES)} each and ${sizeText(SHARED_BYTES)} for all`;
  const found = `${size.cores} cores, ${sizeText(size.memoryBytes)}: ${slots} at a time, ${needed}`;
  const least = SLOT_BYTES + SHARED_BYTES;
  if (size.memoryBytes >= least) return fine('room for renders', found);
  return poor('room for renders', found, `One render needs about ${sizeText(least)} with its worker.`);
}

/** Folders of processes that were killed. The next worker removes them too. */
export async function checkLeftOvers(fix: boolean): Promise<Check> {
  const name = 'left-overs';
  if (fix) {
    const swept = await Promise.all([
      sweepAllProfiles(),
      VirtualDisplay.sweep(),
      sweepSharedMemory(),
      sweepOwned(workRoot()),
    ]).then((counts) => counts.reduce((sum, count) => sum + count, 0));
    return fine(name, swept === 0 ? 'none' : `${swept} removed`);
  }
  const roots = [
    ...profileRoots(),
    workRoot(),
    ...[SHARED_MEMORY, tmpdir()].map((base) => ownedRoot(base, 'displays')),
  ];
  const left = (await Promise.all([...new Set(roots)].map(orphansIn))).flat();
  if (left.length === 0) return fine(name, 'none');
  const todo = 'Remove them with `nightreel doctor --fix`; the next worker does so too.';
  return poor(name, `${left.length} folders of processes that were killed`, todo);
}

async function spaceOf(folder: string): Promise<{ readonly free: number; readonly total: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return null;
  }
}

const sizeText = (bytes: number): string =>
  bytes >= 1024 * MiB ? `${(bytes / (1024 * MiB)).toFixed(1)} GiB` : `${Math.round(bytes / MiB)} MiB`;
