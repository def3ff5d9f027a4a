/** `nightreel codec`: the keys of payloads. */

import { existsSync } from 'node:fs';
import { readEnvironment } from '../config/environment.ts';
import { readKeyFile, readPayloadKeys, writeKeyFile } from '../config/payload-keys.ts';
import { Failure } from '../contracts/failures.ts';
import { encryptingWith, withNewKey } from '../encryption/key-ring.ts';

/** Returns what to do next. */
export async function addKey(named: string | undefined, use: boolean): Promise<string> {
  const path = fileOf(named);
  const before = existsSync(path) ? await readKeyFile(path) : { encryptWith: null, keys: [] };
  const { file, id } = withNewKey(before, new Date());
  await writeKeyFile(path, use ? encryptingWith(file, id, path) : file);
  return use
    ? `The key ${id} is in ${path} and encrypts from now on.\n`
    : `The key ${id} is in ${path} and decrypts. When every worker and client has this file: nightreel codec use ${id}\n`;
}

export async function useKey(named: string | undefined, id: string | null): Promise<string> {
  const path = fileOf(named);
  await writeKeyFile(path, encryptingWith(await readKeyFile(path), id, path));
  const what = id === null ? 'nothing is encrypted any more, and what is can be read' : `${id} encrypts`;
  return `In ${path} ${what}. Workers read the file when they start.\n`;
}

export async function listKeys(json: boolean): Promise<string> {
  const { encryptWith, keys } = await readPayloadKeys(readEnvironment().variables);
  const ids = [...keys.keys()];
  if (json) return `${JSON.stringify({ encryptWith, keys: ids })}\n`;
  if (ids.length === 0) return 'No keys: payloads are not encrypted. `nightreel codec new-key` makes one.\n';
  return ids.map((id) => `${id}  ${id === encryptWith ? 'encrypts and decrypts' : 'decrypts'}\n`).join('');
}

function fileOf(named: string | undefined): string {
  const path = named ?? readEnvironment().variables['NIGHTREEL_PAYLOAD_KEYS_FILE'];
  if (path !== undefined) return path;
  throw new Failure('EnvironmentInvalid', 'Say which file of keys: --file keys.json, or NIGHTREEL_PAYLOAD_KEYS_FILE.');
}
