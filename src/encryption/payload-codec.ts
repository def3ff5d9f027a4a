import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { Failure } from '../contracts/failures.ts';
import type { KeyRing } from './key-ring.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const ALGORITHM = 'aes-256-gcm';
/** NIST SP 800-38D, 8.2.2: a random one of 96 bits, for at most 2^32 payloads of one key. */
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** As Temporal's samples and tools call it. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

/**
 * Encrypts payloads, metadata included, on their way to Temporal, and decrypts what comes back; leaves alone what nobody encrypted, so that
 * both may lie in one history. What stands outside, encoding and key ID, is authenticated with the rest.
 *
 * `data` is: IV (12 bytes), ciphertext of the protobuf `Payload`, tag (16 bytes).
 */
export class EncryptingCodec implements PayloadCodec {
  private readonly ring: KeyRing;

  constructor(ring: KeyRing) {
    this.ring = ring;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const { encryptWith: id, keys } = this.ring;
    const key = id === null ? undefined : keys.get(id);
    return id === null || key === undefined ? payloads : payloads.map((payload) => encrypted(payload, id, key));
  }

  /** Failure `PayloadUnreadable` when the key of one is not there, or its bytes are not those that were written. */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.decrypted(payload) : payload));
  }

  private decrypted({ metadata, data }: Payload): Payload {
    const id = textOf(metadata?.[KEY_ID]);
    const key = this.ring.keys.get(id);
    if (key === undefined) {
      const ids = [...this.ring.keys.keys()].join(', ') || 'none';
      throw new Failure(
        'PayloadUnreadable',
        `A payload in Temporal is encrypted with the key '${id}', and this process has ${ids}. Give it the key: NIGHTREEL_PAYLOAD_KEYS_FILE.`,
      );
    }
    const bytes = data ?? new Uint8Array();
    try {
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(outside(id)).setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      return PayloadMessage.decode(plain);
    } catch (cause) {
      throw new Failure(
        'PayloadUnreadable',
        `A payload in Temporal does not open with the key '${id}': it was altered, or another key has that ID here than where it was written.`,
        { cause },
      );
    }
  }
}

function encrypted(payload: Payload, id: string, key: KeyObject): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(outside(id));
  const sealed = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final()];
  return {
    metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([iv, ...sealed, cipher.getAuthTag()]),
  };
}

export const isEncrypted = ({ metadata }: Payload): boolean => textOf(metadata?.['encoding']) === ENCODING;

/** What is authenticated and not encrypted. */
const outside = (id: string): Buffer => Buffer.from(`${ENCODING}\0${id}`);

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();
