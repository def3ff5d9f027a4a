/** The warehouse of the fixture's `card` campaign. */

import { DuckDBInstance } from '@duckdb/node-api';

/** Rows are an ID, a first name and the time of the last change. */
export async function createReferrers(
  path: string,
  rows: readonly (readonly [string, string, string])[],
): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(
    'CREATE TABLE referrers (referrer_id VARCHAR, first_name VARCHAR, referral_count BIGINT, earnings_usd DECIMAL(12, 2), updated_at TIMESTAMPTZ)',
  );
  for (const [id, name, at] of rows) {
    await connection.run(`INSERT INTO referrers VALUES ('${id}', '${name}', 1, 10, '${at}')`);
  }
  connection.closeSync();
  instance.closeSync();
}
