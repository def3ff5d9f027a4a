/** What the network does to a driver is not taken for an answer of the warehouse. */

import { expect, test } from '@jest/globals';
import { postgresFailure } from '../../src/warehouse/postgres/failure.ts';
import { snowflakeFailure } from '../../src/warehouse/snowflake/failure.ts';

const NETWORK = ['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT'];

test.each(NETWORK)('%s passes, with code letters that look like a SQLSTATE or not', (code) => {
  const error = Object.assign(new Error(`write ${code}`), { code });
  expect(postgresFailure(error, 'postgres://db/app').failureClass).toBe('WarehouseUnavailable');
  expect(snowflakeFailure(error, 'snowflake account').failureClass).toBe('WarehouseUnavailable');
});

test('a SQLSTATE is what it says', () => {
  const told = (code: string) => postgresFailure(Object.assign(new Error('no'), { code }), 'db').failureClass;
  expect([told('42P01'), told('28P01'), told('57P01'), told('22P02')]).toEqual([
    ...['SqlError', 'WarehouseDenied', 'WarehouseUnavailable', 'SqlError'],
  ]);
});
