/** Other renderers: npm packages pinned in bench/peers, installed when a bench asks for them and no part of the project. */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram, foldersOf } from '../src/config/programs.ts';
import { Failure } from '../src/contracts/failures.ts';
import type { BenchContext } from './bench.ts';
import { plainEnvironment, runMeasured } from './program.ts';

export type Peer = 'hyperframes' | 'remotion';

/** The folder with its node_modules, as its lock file says. Failure `EnvironmentInvalid` when that cannot be installed. */
export async function installPeer(peer: Peer, { signal, progress }: BenchContext): Promise<string> {
  const folder = join(import.meta.dirname, 'peers', peer);
  const stampPath = join(folder, 'node_modules/.nightreel-bench');
  const stamp = createHash('sha256')
    .update(await readFile(join(folder, 'package-lock.json')))
    .digest('hex');
  if ((await readFile(stampPath, 'utf8').catch(() => '')) === stamp) return folder;
  const npm = findProgram(['npm'], foldersOf(process.env['PATH'] ?? ''));
  if (npm === undefined) throw new Failure('ToolMissing', `npm is missing: it installs ${peer} for this bench.`);
  progress.note(`Installing ${peer} into ${folder}/node_modules`);
  try {
    await runMeasured(
      {
        command: npm,
        // Their install scripts fetch browsers; the one of this machine is used.
        args: ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
        cwd: folder,
        environment: { ...npmSettings(), ...plainEnvironment(homedir()), PUPPETEER_SKIP_DOWNLOAD: '1' },
      },
      signal,
    );
  } catch (cause) {
    signal.throwIfAborted();
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(
      'EnvironmentInvalid',
      `${peer} could not be installed, so there is nothing to compare with; check npm's registry and proxy settings. ${words}`,
      { cause },
    );
  }
  await writeFile(stampPath, stamp);
  return folder;
}

const npmSettings = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && /^(npm_config_|NPM_CONFIG_|https?_proxy$|no_proxy$|NODE_EXTRA_CA)/i.test(entry[0]),
    ),
  );

/** The installed version of a peer's package. */
export async function peerVersion(folder: string, name: string): Promise<string> {
  const json: unknown = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
  return json !== null && typeof json === 'object' && 'version' in json ? String(json.version) : 'unknown';
}

/** Environment of a peer: a home of its own, this Node first on its PATH. */
export const peerEnvironment = (home: string): Record<string, string> => {
  const { PATH, ...rest } = plainEnvironment(home);
  return { ...rest, PATH: `${dirname(process.execPath)}:${PATH}` };
};
