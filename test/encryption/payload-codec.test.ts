import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure, defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { addKey, listKeys, useKey } from '../../src/cli/codec-keys.ts';
import { readPayloadKeys } from '../../src/config/payload-keys.ts';
import { Failure } from '../../src/contracts/failures.ts';
import {
  encryptingWith,
  type KeyFile,
  NO_KEYS,
  parseKeyFile,
  ringOf,
  withNewKey,
} from '../../src/encryption/key-ring.ts';
import { EncryptingCodec } from '../../src/encryption/payload-codec.ts';
import { failureConverter } from '../../src/workflows/encoded-failures.ts';

const plain = (text: string): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(text)),
});
const textIn = (payload: Payload | undefined): unknown => JSON.parse(Buffer.from(payload?.data ?? []).toString());
const keyIdIn = ({ metadata }: Payload): string => Buffer.from(metadata?.['encryption-key-id'] ?? []).toString();

/** A ring of that many keys, the last of which encrypts. */
function keyFile(count: number): KeyFile {
  let file: KeyFile = { encryptWith: null, keys: [] };
  for (let n = 0; n < count; n += 1) {
    const { file: next, id } = withNewKey(file, new Date('2026-11-27T12:00:00Z'));
    file = encryptingWith(next, id, 'the test');
  }
  return file;
}
const codecOf = (file: KeyFile): EncryptingCodec => new EncryptingCodec(ringOf(file));
const sealed = async (codec: EncryptingCodec, text: string): Promise<Payload> => {
  const [payload] = await codec.encode([plain(text)]);
  if (payload === undefined) throw new TypeError('one in, one out');
  return payload;
};

describe('the codec', () => {
  const file = keyFile(1);
  const codec = codecOf(file);

  test('gives back what it was given, whatever that is, and shows nothing of it', async () => {
    const bytes = fc.uint8Array({ maxLength: 2_000 });
    const metadata = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), bytes, { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(metadata, bytes, async (given, data) => {
        const [encrypted = {}] = await codec.encode([{ metadata: given, data }]);
        if (data.byteLength >= 8) expect(Buffer.from(encrypted.data ?? []).includes(Buffer.from(data))).toBe(false);
        const [opened = {}] = await codec.decode([encrypted]);
        const names = Object.entries(opened.metadata ?? {}).map(([name, value]) => [name, [...value]]);
        expect(Object.fromEntries(names)).toEqual(
          Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [...value]])),
        );
        expect([...(opened.data ?? [])]).toEqual([...data]);
      }),
    );
  });

  test('never writes the same twice', async () => {
    const written = new Set<string>();
    for (let n = 0; n < 1_000; n += 1)
      written.add(Buffer.from((await sealed(codec, 'same')).data ?? []).toString('hex'));
    expect(written.size).toBe(1_000);
  });

  test('refuses what was altered, in whichever bit, and a key ID that was put beside it', async () => {
    const { metadata, data } = await sealed(codec, 'Ada');
    const bytes = Buffer.from(data ?? []);
    for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      await expect(codec.decode([{ metadata, data: altered }])).rejects.toThrow(/was altered/);
    }
    for (const cut of [0, 5, 27, bytes.byteLength - 1]) {
      await expect(codec.decode([{ metadata, data: bytes.subarray(0, cut) }])).rejects.toThrow(/was altered/);
    }
    const [key] = file.keys;
    const twin = codecOf({ encryptWith: null, keys: [...file.keys, { id: 'twin', key: key?.key ?? '' }] });
    const renamed = { metadata: { ...metadata, 'encryption-key-id': Buffer.from('twin') }, data };
    await expect(twin.decode([renamed])).rejects.toMatchObject({ failureClass: 'PayloadUnreadable' });
  });

  test('leaves alone what nobody encrypted, and with no key that encrypts what it is given', async () => {
    const [read] = await codec.decode([plain('from before')]);
    expect(textIn(read)).toBe('from before');
    const reader = codecOf({ ...file, encryptWith: null });
    expect(textIn((await reader.encode([plain('still plain')]))[0])).toBe('still plain');
    expect(textIn((await reader.decode([await sealed(codec, 'encrypted by others')]))[0])).toBe('encrypted by others');
  });

  test('says in a sentence which key is missing', async () => {
    const payload = await sealed(codec, 'Ada');
    const failure = await new EncryptingCodec(NO_KEYS).decode([payload]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({
      failureClass: 'PayloadUnreadable',
      message: `A payload in Temporal is encrypted with the key '${file.encryptWith}', and this process has none. Give it the key: NIGHTREEL_PAYLOAD_KEYS_FILE.`,
    });
  });

  test('encrypts with the key that is named, and opens what the keys before it encrypted', async () => {
    const both = keyFile(2);
    const [first, second] = both.keys;
    const before = codecOf({ ...both, encryptWith: first?.id ?? '' });
    const old = await sealed(before, 'old');
    const fresh = await sealed(codecOf(both), 'new');
    expect([keyIdIn(old), keyIdIn(fresh)]).toEqual([first?.id, second?.id]);
    // Whoever has both opens both, on either side of the change.
    for (const each of [before, codecOf(both)])
      expect((await each.decode([old, fresh])).map(textIn)).toEqual(['old', 'new']);
  });
});

describe('a failure', () => {
  const read = (failure: ReturnType<typeof failureConverter.errorToFailure>) =>
    failureConverter.failureToError(failure, defaultPayloadConverter);

  test('is written without its message and stack, and read with both, causes included, however often it is passed on', () => {
    const cause = new Error('inner secret');
    const error = ApplicationFailure.create({ message: 'outer secret', type: 'TemplateCrashed', cause });
    for (let passed = failureConverter.errorToFailure(error, defaultPayloadConverter), n = 0; n < 3; n += 1) {
      const open = JSON.stringify(passed, (name, value: unknown) => (name === 'encodedAttributes' ? undefined : value));
      expect(open).not.toContain('secret');
      expect(open).not.toContain('payload-codec.test');
      expect(open).toContain('TemplateCrashed');
      const again = read(passed);
      expect(again).toMatchObject({ message: 'outer secret', cause: { message: 'inner secret' } });
      expect(again.stack).toContain('payload-codec.test');
      failureConverter.errorToFailure(again, defaultPayloadConverter);
      passed = failureConverter.errorToFailure(again, defaultPayloadConverter);
    }
  });

  test('that came unencrypted is passed on encrypted', () => {
    const inner = { message: 'old secret', stackTrace: 'at secret', applicationFailureInfo: { type: 'X' } };
    const came = read({ message: 'outer', applicationFailureInfo: { type: 'Y' }, cause: inner });
    const passed = failureConverter.errorToFailure(came, defaultPayloadConverter);
    expect(passed.cause).toMatchObject({ message: 'Encoded failure', stackTrace: '' });
    expect(read(passed)).toMatchObject({ message: 'outer', cause: { message: 'old secret' } });
  });
});

describe('the file of keys', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightreel-keys-'));
    path = join(folder, 'keys.json');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const failureOf = async (variables: Record<string, string>): Promise<Failure> =>
    (await readPayloadKeys(variables).catch((error: unknown) => error)) as Failure;

  test('is made by new-key for its owner alone; a key encrypts when it is told to', async () => {
    expect(await addKey(path, false)).toMatch(
      /decrypts\. When every worker and client has this file: nightreel codec use/,
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const variables = { NIGHTREEL_PAYLOAD_KEYS_FILE: path };
    const reading = await readPayloadKeys(variables);
    expect(reading).toMatchObject({ encryptWith: null });
    const [id = ''] = reading.keys.keys();
    await useKey(path, id);
    await addKey(path, false);
    const { encryptWith, keys } = await readPayloadKeys(variables);
    expect([encryptWith, keys.size]).toEqual([id, 2]);
    await useKey(path, null);
    expect(await readPayloadKeys(variables)).toMatchObject({ encryptWith: null });
    await expect(useKey(path, 'nobody')).rejects.toThrow(/has no key 'nobody'\. It has 2/);
  });

  test('may be the text of a variable instead, and not both', async () => {
    const text = await readFile(path, 'utf8');
    expect((await readPayloadKeys({ NIGHTREEL_PAYLOAD_KEYS: text })).keys.size).toBe(2);
    const both = await failureOf({ NIGHTREEL_PAYLOAD_KEYS: text, NIGHTREEL_PAYLOAD_KEYS_FILE: path });
    expect(both.message).toMatch(/^Both/);
  });

  test.each([
    [0o604, false],
    [0o620, false],
    [0o644, false],
    [0o640, true],
    [0o400, true],
  ])('with the mode %o is taken: %s', async (mode, isTaken) => {
    await chmod(path, mode);
    const read = await failureOf({ NIGHTREEL_PAYLOAD_KEYS_FILE: path });
    if (isTaken) expect(read).toHaveProperty('keys');
    else
      expect(read).toMatchObject({ failureClass: 'EnvironmentInvalid', message: expect.stringContaining('chmod 600') });
  });

  test('that is wrong is refused in a sentence that has none of it', async () => {
    const secret = Buffer.alloc(31, 7).toString('base64');
    const good = Buffer.alloc(32, 7).toString('base64');
    for (const [text, sentence] of [
      [`{"keys": "${secret}`, /holds no keys/],
      [JSON.stringify({ encryptWith: null, keys: [{ id: 'a', key: secret }] }), /keys\.0\.key is wrong/],
      [JSON.stringify({ encryptWith: 'b', keys: [{ id: 'a', key: good }] }), /has no key 'b'/],
      [JSON.stringify({ encryptWith: 'a', keys: [1, 2].map(() => ({ id: 'a', key: good })) }), /two keys of one ID/],
    ] as const) {
      const broken = join(folder, 'broken.json');
      await writeFile(broken, text, { mode: 0o600 });
      const failure = await failureOf({ NIGHTREEL_PAYLOAD_KEYS_FILE: broken });
      expect(failure.message).toMatch(sentence);
      expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toContain(secret.slice(0, 12));
      expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toContain(good.slice(0, 12));
    }
    expect(() => parseKeyFile('', 'nowhere')).toThrow(/nowhere holds no keys/);
    expect(await failureOf({ NIGHTREEL_PAYLOAD_KEYS_FILE: join(folder, 'none') })).toMatchObject({
      message: expect.stringContaining('cannot be read'),
    });
  });

  test('shows no key where it is listed', async () => {
    await chmod(path, 0o600);
    const { keys } = JSON.parse(await readFile(path, 'utf8')) as KeyFile;
    const before = process.env['NIGHTREEL_PAYLOAD_KEYS_FILE'];
    process.env['NIGHTREEL_PAYLOAD_KEYS_FILE'] = path;
    try {
      const listed = `${await listKeys(false)}${await listKeys(true)}`;
      for (const { id, key } of keys) {
        expect(listed).toContain(`${id}  decrypts`);
        expect(listed).not.toContain(key);
      }
    } finally {
      if (before === undefined) delete process.env['NIGHTREEL_PAYLOAD_KEYS_FILE'];
      else process.env['NIGHTREEL_PAYLOAD_KEYS_FILE'] = before;
    }
  });
});
