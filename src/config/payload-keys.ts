/** Where the keys of payloads are read from and written to. */

import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { Failure } from '../contracts/failures.ts';
import { type KeyFile, type KeyRing, NO_KEYS, parseKeyFile, ringOf } from '../encryption/key-ring.ts';
import type { Variables } from './environment.ts';

/** Bits of a mode: others may read, write or enter; the group may write. A group may read: that is how Kubernetes hands out secrets. */
const TOO_OPEN = 0o027;

/** Those of NIGHTREEL_PAYLOAD_KEYS_FILE or NIGHTREEL_PAYLOAD_KEYS. Failure `EnvironmentInvalid` when they are wrong, or the file is open to others. */
export async function readPayloadKeys(variables: Variables): Promise<KeyRing> {
  const { NIGHTREEL_PAYLOAD_KEYS_FILE: path, NIGHTREEL_PAYLOAD_KEYS: text } = variables;
  if (path && text) {
    throw new Failure(
      'EnvironmentInvalid',
      'Both NIGHTREEL_PAYLOAD_KEYS_FILE and NIGHTREEL_PAYLOAD_KEYS are set: unset one of them.',
    );
  }
  if (path) return ringOf(await readKeyFile(path));
  return text ? ringOf(parseKeyFile(text, 'NIGHTREEL_PAYLOAD_KEYS')) : NO_KEYS;
}

export async function readKeyFile(path: string): Promise<KeyFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure('EnvironmentInvalid', `The file of keys ${path} cannot be read.`, { cause });
  });
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & TOO_OPEN) !== 0) {
    throw new Failure(
      'EnvironmentInvalid',
      `The file of keys ${path} has the mode ${mode.toString(8)}: others could read or change it. Run: chmod 600 ${path}`,
    );
  }
  return parseKeyFile(text, path);
}

/** Whole or not at all, for its owner only. */
export async function writeKeyFile(path: string, file: KeyFile): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(unfinished, path);
}
