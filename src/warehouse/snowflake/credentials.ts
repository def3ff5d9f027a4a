/** SNOWFLAKE_* variables → how the driver logs in. The names are those of Snowflake's own command line. */

import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'snowflake-sdk';
import { Failure } from '../../contracts/failures.ts';
import type { SnowflakeSource } from '../source.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Key pair (`SNOWFLAKE_PRIVATE_KEY_PATH` or `SNOWFLAKE_PRIVATE_KEY`, with `SNOWFLAKE_PRIVATE_KEY_PASSPHRASE` when it is
 * encrypted), OAuth or a programmatic access token (`SNOWFLAKE_TOKEN` or `SNOWFLAKE_TOKEN_FILE_PATH`; which of both,
 * `SNOWFLAKE_AUTHENTICATOR` says), or `SNOWFLAKE_PASSWORD`. Failure `EnvironmentInvalid` names what is missing.
 */
export function credentials(
  environment: Environment,
  source: Pick<SnowflakeSource, 'warehouse' | 'role' | 'database' | 'schema'>,
): ConnectionOptions & { readonly account: string } {
  const get = (name: string): string | undefined => environment[`SNOWFLAKE_${name}`] || undefined;
  const account = get('ACCOUNT');
  const username = get('USER');
  if (account === undefined) {
    throw new Failure(
      'EnvironmentInvalid',
      'SNOWFLAKE_ACCOUNT is not set; it names the account that the source is in.',
    );
  }
  const scope = {
    warehouse: source.warehouse ?? get('WAREHOUSE'),
    role: source.role ?? get('ROLE'),
    database: source.database ?? get('DATABASE'),
    schema: source.schema ?? get('SCHEMA'),
    accessUrl: get('ACCESS_URL'),
  };
  const set = Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== undefined));
  return { account, ...(username && { username }), ...set, ...authentication(get, username) };
}

function authentication(get: (name: string) => string | undefined, username: string | undefined): ConnectionOptions {
  const keyPath = get('PRIVATE_KEY_PATH');
  const key = get('PRIVATE_KEY');
  const passphrase = get('PRIVATE_KEY_PASSPHRASE');
  const token = get('TOKEN') ?? tokenFrom(get('TOKEN_FILE_PATH'));
  const password = get('PASSWORD');
  const isKeyPair = keyPath !== undefined || key !== undefined;
  if (username === undefined && token === undefined) {
    throw new Failure('EnvironmentInvalid', 'SNOWFLAKE_USER is not set; it names who logs in.');
  }
  if (isKeyPair) {
    const given = keyPath === undefined ? { privateKey: key } : { privateKeyPath: keyPath };
    return { authenticator: 'SNOWFLAKE_JWT', ...given, ...(passphrase && { privateKeyPass: passphrase }) };
  }
  if (token !== undefined) return { authenticator: tokenAuthenticator(get('AUTHENTICATOR')), token };
  if (password !== undefined) return { authenticator: 'SNOWFLAKE', password };
  throw new Failure(
    'EnvironmentInvalid',
    'No way to log in to Snowflake: set SNOWFLAKE_PRIVATE_KEY_PATH (a key pair), SNOWFLAKE_TOKEN (OAuth, or a programmatic access token with SNOWFLAKE_AUTHENTICATOR=PROGRAMMATIC_ACCESS_TOKEN) or SNOWFLAKE_PASSWORD.',
  );
}

function tokenAuthenticator(given = 'OAUTH'): string {
  const upper = given.toUpperCase();
  if (upper === 'OAUTH' || upper === 'PROGRAMMATIC_ACCESS_TOKEN') return upper;
  throw new Failure(
    'EnvironmentInvalid',
    `SNOWFLAKE_AUTHENTICATOR is ${given}; with a token it must be OAUTH or PROGRAMMATIC_ACCESS_TOKEN.`,
  );
}

function tokenFrom(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new Failure('EnvironmentInvalid', `SNOWFLAKE_TOKEN_FILE_PATH: ${path} cannot be read.`, { cause });
  }
}
