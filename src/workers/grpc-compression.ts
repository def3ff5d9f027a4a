import { BlockList, isIP } from 'node:net';
import type { GrpcCompressionConfig } from '@temporalio/worker';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Nothing is compressed on the way to a server on this machine: gzip, the SDK's default, saves no network there and costs both
 * sides processor time, 1 to 2 % of what a variant's orchestration takes (docs/scaling.md#tuning). Undefined: the default.
 * @param address `host:port`; undefined: the SDK's own, on this machine.
 */
export function grpcCompressionFor(address: string | undefined): GrpcCompressionConfig | undefined {
  const host = (address ?? 'localhost').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  const isHere = family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
  return isHere ? { codec: 'none' } : undefined;
}
