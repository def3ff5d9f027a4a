/** Who may read metrics, at both ports of a worker; of Temporal's, in front of a server that says where it was asked. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import { openDoor } from '../../src/telemetry/metrics-door.ts';

const TOKEN = 'a token of a test';
const SPOKEN = TOKEN.replaceAll(' ', '-');

async function ask(
  server: Server,
  headers: Readonly<Record<string, string>>,
  { path = '/metrics', method = 'GET' } = {},
): Promise<{ status: number | undefined; body: string; challenge: string | undefined }> {
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, path, method, headers }).end();
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, body: await text(answer), challenge: answer.headers['www-authenticate'] };
}

async function door(token: string | null): Promise<Server & AsyncDisposable> {
  const server = await openDoor({ host: '127.0.0.1', port: 0, token }, (_, response) => response.end('figures'));
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

describe('a door with a token', () => {
  test.each([
    [{}, 401],
    [{ authorization: SPOKEN }, 401],
    [{ authorization: `Basic ${btoa(`me:${SPOKEN}`)}` }, 401],
    [{ authorization: `Bearer ${SPOKEN}x` }, 401],
    [{ authorization: `Bearer ${SPOKEN.slice(1)}` }, 401],
    [{ authorization: 'Bearer ' }, 401],
    [{ authorization: `Bearer ${SPOKEN}` }, 200],
    [{ authorization: `bearer  ${SPOKEN}`, host: 'worker-7.internal:9464' }, 200],
  ])('asked with %j answers %i', async (headers, status) => {
    await using server = await door(SPOKEN);
    const answer = await ask(server, headers);
    expect(answer.status).toBe(status);
    expect(answer.body === 'figures').toBe(status === 200);
    expect(answer.challenge).toBe(status === 401 ? 'Bearer' : undefined);
    expect(answer.body).not.toContain(SPOKEN);
  });

  test('shows nothing else to whoever knows it, and does not say to others what there is', async () => {
    await using server = await door(SPOKEN);
    const headers = { authorization: `Bearer ${SPOKEN}` };
    expect((await ask(server, headers, { path: '/' })).status).toBe(404);
    expect((await ask(server, headers, { method: 'POST' })).status).toBe(405);
    expect((await ask(server, {}, { path: '/' })).status).toBe(401);
  });
});

test.each([
  ['localhost', 200],
  ['127.0.0.1:9464', 200],
  ['[::1]:9464', 200],
  ['rebound.example', 403],
  ['127.0.0.1.rebound.example:9464', 403],
  ['localhost.rebound.example', 403],
])('without a token a page that calls this machine %s is answered %i', async (host, status) => {
  await using server = await door(null);
  expect((await ask(server, { host })).status).toBe(status);
});

describe('the variables', () => {
  const served = (more: Readonly<Record<string, string>>) =>
    readTelemetry({ OTEL_METRICS_EXPORTER: 'prometheus', NIGHTREEL_TEMPORAL_METRICS_PORT: '9466', ...more });

  test('metrics are served to this machine alone, and to others only with a token', () => {
    expect(served({})).toMatchObject({ scrape: { host: 'localhost', token: null }, temporal: { token: null } });
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'worker-7']) {
      expect(() => served({ OTEL_EXPORTER_PROMETHEUS_HOST: host })).toThrow(
        /need a token\. Set NIGHTREEL_METRICS_TOKEN/,
      );
      const { scrape, temporal } = served({ OTEL_EXPORTER_PROMETHEUS_HOST: host, NIGHTREEL_METRICS_TOKEN: SPOKEN });
      expect([scrape, temporal]).toEqual([
        { host, port: 9464, token: SPOKEN },
        { host, port: 9466, token: SPOKEN },
      ]);
    }
    // Where nothing is served, nothing is asked for.
    expect(readTelemetry({ OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0' }).scrape).toBeNull();
  });

  test('a token comes from a file, is long enough, and is in no message', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-token-'));
    try {
      const path = join(folder, 'token');
      await writeFile(path, `${SPOKEN}\n`);
      expect(served({ NIGHTREEL_METRICS_TOKEN_FILE: path }).scrape?.token).toBe(SPOKEN);
      for (const wrong of ['short', TOKEN]) {
        await writeFile(path, wrong);
        const failing = () => served({ NIGHTREEL_METRICS_TOKEN_FILE: path });
        expect(failing).toThrow(/NIGHTREEL_METRICS_TOKEN_FILE must have 16 characters or more, without blanks/);
        expect(failing).not.toThrow(wrong);
      }
      expect(() => served({ NIGHTREEL_METRICS_TOKEN_FILE: join(folder, 'none') })).toThrow('(ENOENT)');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test("a process serves its own metrics and those of Temporal's SDK to whoever has the token", async () => {
  const chooser = new PortChooser();
  const [own, temporal] = [await chooser.choose(), await chooser.choose()];
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'guarded.ts')], {
    env: {
      ...{ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0' },
      ...{ OTEL_EXPORTER_PROMETHEUS_PORT: String(own), NIGHTREEL_TEMPORAL_METRICS_PORT: String(temporal) },
      NIGHTREEL_METRICS_TOKEN: SPOKEN,
    },
  });
  expect(JSON.parse(stdout)).toEqual({
    own: { without: 401, with: 200, isOurs: true },
    ofTemporal: { without: 401, with: 200 },
  });
});
