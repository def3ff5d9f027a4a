import { extname, join } from 'node:path';
import type { DataConverter } from '@temporalio/common';
import type { KeyRing } from './key-ring.ts';
import { EncryptingCodec } from './payload-codec.ts';

/** Beside this file whatever it was compiled to. */
export const ENCODED_FAILURES = join(
  import.meta.dirname,
  '../workflows',
  `encoded-failures${extname(import.meta.filename)}`,
);

/**
 * What every client and worker of Temporal gets. Without keys, too: then it encrypts nothing, and says in a sentence what an encrypted
 * payload needs. Messages and stack traces are no payloads by themselves: where there is encryption, they are put into one.
 */
export const dataConverterOf = (ring: KeyRing): DataConverter => ({
  payloadCodecs: [new EncryptingCodec(ring)],
  failureConverterPath: ring.encryptWith === null ? undefined : ENCODED_FAILURES,
});
