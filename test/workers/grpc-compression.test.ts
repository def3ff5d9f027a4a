import { expect, test } from '@jest/globals';
import { grpcCompressionFor } from '../../src/workers/grpc-compression.ts';

test.each([undefined, 'localhost:7233', 'localhost', '127.0.0.1:7233', '127.8.8.8:7233', '[::1]:7233'])(
  'calls to a server at %s, on this machine, are not compressed',
  (address) => expect(grpcCompressionFor(address)).toEqual({ codec: 'none' }),
);

test.each([
  'temporal.internal:7233',
  '127.example.com:443',
  '10.0.0.7:7233',
  '[2001:db8::1]:7233',
  'localhost.example.com:7233',
])('calls to %s are, as by default', (address) => expect(grpcCompressionFor(address)).toBeUndefined());
