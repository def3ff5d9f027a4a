/** The keys that Temporal's payloads are encrypted with: a JSON text, which `nightreel codec` writes. Pure. */

import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';

/** AES-256. */
const KEY_BYTES = 32;

const keyFileSchema = z.strictObject({
  encryptWith: z.string().nullable(),
  keys: z.array(
    z.strictObject({
      id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
      key: z.base64().refine((text) => Buffer.from(text, 'base64').byteLength === KEY_BYTES),
    }),
  ),
});

/** As in the file: with the keys' bytes in it. */
export type KeyFile = z.infer<typeof keyFileSchema>;

export interface KeyRing {
  /** ID of the key that encrypts; null: nothing is encrypted, what is so already is read. */
  readonly encryptWith: string | null;
  /** All that decrypt, by ID. */
  readonly keys: ReadonlyMap<string, KeyObject>;
}

export const NO_KEYS: KeyRing = { encryptWith: null, keys: new Map() };

/**
 * Failure `EnvironmentInvalid`, which quotes nothing of the text.
 * @param from where it was read, for the message.
 */
export function parseKeyFile(text: string, from: string): KeyFile {
  const parsed = keyFileSchema.safeParse(jsonIn(text));
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new Failure(
      'EnvironmentInvalid',
      `${from} holds no keys for payloads${path === '' ? '' : `: ${path} is wrong`}. \`nightreel codec new-key\` makes a file of them.`,
    );
  }
  const { encryptWith, keys } = parsed.data;
  const ids = keys.map(({ id }) => id);
  if (new Set(ids).size < ids.length) {
    throw new Failure('EnvironmentInvalid', `${from} has two keys of one ID. Every key needs an ID of its own.`);
  }
  if (encryptWith !== null && !ids.includes(encryptWith)) throw noSuchKey(encryptWith, ids, from);
  return parsed.data;
}

/** Undefined where it is none: the parser's own message would quote the text. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const ringOf = ({ encryptWith, keys }: KeyFile): KeyRing => ({
  encryptWith,
  keys: new Map(keys.map(({ id, key }) => [id, createSecretKey(key, 'base64')])),
});

/** With a key more, which decrypts at once and encrypts nothing yet. Its ID is the day and eight random digits. */
export function withNewKey({ encryptWith, keys }: KeyFile, now: Date): { readonly file: KeyFile; readonly id: string } {
  const id = `${now.toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`;
  return { file: { encryptWith, keys: [...keys, { id, key: randomBytes(KEY_BYTES).toString('base64') }] }, id };
}

/** With another key that encrypts; null: none. Failure `EnvironmentInvalid` when there is no such key. */
export function encryptingWith({ keys }: KeyFile, id: string | null, from: string): KeyFile {
  const ids = keys.map((key) => key.id);
  if (id !== null && !ids.includes(id)) throw noSuchKey(id, ids, from);
  return { encryptWith: id, keys };
}

const noSuchKey = (id: string, ids: readonly string[], from: string): Failure =>
  new Failure('EnvironmentInvalid', `${from} has no key '${id}'. It has ${ids.join(', ') || 'none'}.`);
