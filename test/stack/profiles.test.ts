/** Temporal Cloud as docs/encryption.md says it is reached: a profile with a client's certificate, and one with an API key. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestHome, until } from '../support/nightreel.ts';
import { TestTemporal } from '../support/temporal.ts';
import { Authority, TlsDoor } from '../support/tls-door.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;
const API_KEY = 'an-api-key-of-this-test';

let home: TestHome;
let temporal: TestTemporal;
let authority: Authority;

beforeAll(async () => {
  home = await TestHome.create();
  temporal = await TestTemporal.start();
  authority = await Authority.create(home.folder, 'authority');
}, MINUTE);
afterAll(async () => {
  await home.end();
  await temporal[Symbol.asyncDispose]();
}, MINUTE);

/** What a shell has that uses this profile of a file like ~/.config/temporalio/temporal.toml. */
async function profile(name: string, lines: readonly string[]): Promise<Record<string, string>> {
  const file = join(home.folder, `${name}.toml`);
  await writeFile(file, [`[profile.${name}]`, ...lines].join('\n'));
  return { TEMPORAL_PROFILE: name, TEMPORAL_CONFIG_FILE: file };
}

test(
  'a profile with a certificate connects clients and workers, and without it nobody gets in',
  async () => {
    const { certificate, key } = await authority.issue('nightreel');
    await using door = await TlsDoor.start({ target: temporal.address, authority, apiKey: null });
    const lines = [`address = "${door.address}"`, 'namespace = "default"', '[profile.cloud.tls]'];
    const ca = `server_ca_cert_path = "${authority.certificate}"`;
    const pair = [`client_cert_path = "${certificate}"`, `client_key_path = "${key}"`];
    const codec = ['[profile.cloud.codec]', 'endpoint = "http://127.0.0.1:8081"'];
    const environment = await profile('cloud', [...lines, ca, ...pair, ...codec]);
    expect(await home.run(['up'], environment)).toMatchObject({ code: 0 });
    const worker = Worker.start(home, ['--roles', 'orchestrator,storage'], environment);
    const status = await until(async () => {
      const { stdout } = await home.run(['status', '--json'], environment);
      const { workers, temporal: server } = JSON.parse(stdout);
      return workers?.versions.some((version: { isServed: boolean }) => version.isServed) ? server : null;
    }, 'a worker');
    expect(status).toMatchObject({ address: door.address, problem: null });
    await worker.stop();
    expect([...door.guests]).toEqual(['nightreel']);

    const refused = await home.run(['schedule', 'list'], await profile('cloud', [...lines, ca]));
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`Temporal server at ${door.address}`) });
  },
  MINUTE,
);

test(
  'a profile with an API key sends it, and a wrong one is told',
  async () => {
    await using door = await TlsDoor.start({ target: temporal.address, authority, apiKey: API_KEY });
    const of = (apiKey: string) =>
      profile('key', [
        ...[`address = "${door.address}"`, `api_key = "${apiKey}"`, '[profile.key.tls]'],
        `server_ca_cert_path = "${authority.certificate}"`,
      ]);
    expect(await home.run(['schedule', 'list'], await of(API_KEY))).toMatchObject({ code: 0 });
    const refused = await home.run(['schedule', 'list'], await of('another'));
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`Refused by the Temporal server`) });
    expect(refused.stderr).not.toContain('another');
  },
  MINUTE,
);
