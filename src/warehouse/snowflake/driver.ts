/** The one place that loads `snowflake-sdk`, tamed. */

import type snowflakeSdk from 'snowflake-sdk';

let loading: Promise<typeof snowflakeSdk> | null = null;

/** Loads the driver on first use: it takes a while, and most processes never need it. */
export async function snowflakeDriver(): Promise<typeof snowflakeSdk> {
  loading ??= load();
  return await loading;
}

async function load(): Promise<typeof snowflakeSdk> {
  // It asks the cloud's metadata service which machine this is, and waits for the answer where there is none.
  // biome-ignore lint/style/noProcessEnv: the driver has no other switch for it.
  process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] ??= 'true';
  const { default: driver } = await import('snowflake-sdk');
  // It writes snowflake.log into the current folder otherwise.
  driver.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return driver;
}
