/** What encrypting Temporal's payloads costs, by their size: `bash scripts/node.sh bench/payload-codec.ts`. */

import type { Payload } from '@temporalio/common';
import { encryptingWith, ringOf, withNewKey } from '../src/encryption/key-ring.ts';
import { EncryptingCodec } from '../src/encryption/payload-codec.ts';

const ROUNDS = 20_000;
const { file, id } = withNewKey({ encryptWith: null, keys: [] }, new Date());
const codec = new EncryptingCodec(ringOf(encryptingWith(file, id, 'the bench')));

/** CPU µs of one call, after as many that do not count. */
async function cost(call: () => Promise<unknown>): Promise<string> {
  for (let round = 0; round < ROUNDS; round += 1) await call();
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) await call();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / ROUNDS).toFixed(1);
}

for (const sizeBytes of [100, 300, 1_000, 10_000, 100_000]) {
  const payload: Payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.alloc(sizeBytes, 'x') };
  const sealed = await codec.encode([payload]);
  const encode = await cost(() => codec.encode([payload]));
  const decode = await cost(() => codec.decode(sealed));
  const moreBytes = (sealed[0]?.data?.byteLength ?? 0) - sizeBytes;
  process.stdout.write(`${sizeBytes} bytes: encrypt ${encode} µs, decrypt ${decode} µs, ${moreBytes} bytes more\n`);
}
