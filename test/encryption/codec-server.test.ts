/** Who may ask a codec server, and what it answers. That Temporal's own command line understands it is shown in database.test.ts. */

import { request as ask } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CodecServer, type CodecServerOptions } from '../../src/encryption/codec-server.ts';
import { encryptingWith, NO_KEYS, ringOf, withNewKey } from '../../src/encryption/key-ring.ts';

const UI = 'https://temporal.example.com';
const TOKEN = 'a token of sixteen letters';
const { file, id } = withNewKey({ encryptWith: null, keys: [] }, new Date());
const ring = ringOf(encryptingWith(file, id, 'the test'));
const base64 = (value: string): string => Buffer.from(value).toString('base64');
const payloads = [{ metadata: { encoding: base64('json/plain') }, data: base64('{"campaign":"referral"}') }];

let server: CodecServer;
const start = (more: Partial<CodecServerOptions> = {}): Promise<CodecServer> =>
  CodecServer.start({ ring, host: '127.0.0.1', port: 0, origins: [UI], token: null, namespace: 'default', ...more });
beforeAll(async () => {
  server = await start();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As a browser or the command line asks: with whatever Host and Origin it likes. */
async function post(path: string, { method = 'POST', headers = {}, body = '' }: Asked = {}, of = server) {
  return await new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((answered, failed) => {
    const request = ask(`${of.address}${path}`, { method, headers }, async (response) => {
      answered({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) });
    });
    request.on('error', failed).end(body);
  });
}

const body = JSON.stringify({ payloads });

describe('a codec server', () => {
  test('encrypts and decrypts, and is silent to caches', async () => {
    const { status, body: encrypted, headers } = await post('/encode', { body });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' });
    expect(encrypted).not.toContain(payloads[0]?.data);
    const decrypted = await post('/decode', { body: encrypted, headers: { 'x-namespace': 'default' } });
    expect(JSON.parse(decrypted.body)).toEqual({ payloads });
    expect(JSON.parse((await post('/decode', { body })).body)).toEqual({ payloads });
    // What has no payloads, such as an update without arguments, is asked for as well.
    expect(JSON.parse((await post('/decode', { body: '{}' })).body)).toEqual({ payloads: [] });
  });

  test("lets pages of the Web UI's origin ask, and no other", async () => {
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-namespace' };
    expect(await post('/decode', { method: 'OPTIONS', headers: { origin: UI, ...preflight } })).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': UI,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type, x-namespace',
        vary: 'Origin',
      },
    });
    const asked = await post('/decode', { headers: { origin: UI }, body });
    expect(asked).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': UI } });
    for (const origin of ['https://evil.example', `${UI}.evil.example`, 'null', 'http://temporal.example.com']) {
      for (const method of ['OPTIONS', 'POST']) {
        const refused = await post('/decode', { method, headers: { origin }, ...(method === 'POST' && { body }) });
        expect(refused.status).toBe(403);
        expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
        expect(refused.body).not.toContain(payloads[0]?.data);
      }
    }
  });

  test('is not reached by a name that somebody makes point here', async () => {
    expect(await post('/decode', { headers: { host: 'rebound.example:8081' }, body })).toMatchObject({ status: 403 });
    for (const host of ['localhost:8081', '127.0.0.1', '[::1]:8081']) {
      expect(await post('/decode', { headers: { host }, body })).toMatchObject({ status: 200 });
    }
  });

  test.each([
    ['/decode', { method: 'GET' }, 405],
    ['/', { body }, 404],
    ['/decode/more', { body }, 404],
    ['/decode', { body: '{' }, 400],
    ['/decode', { body: '{"payloads":[{"data":"not base64!"}]}' }, 400],
    ['/decode', { body, headers: { 'x-namespace': 'another' } }, 403],
    ['/decode', { body: 'x'.repeat(17 * 1024 * 1024) }, 413],
  ])('answers %s with %j by %i', async (path, asked, status) => {
    expect(await post(path, asked)).toMatchObject({ status });
  });

  test('says which key is missing, in words that the command line shows', async () => {
    await using other = await start({ ring: NO_KEYS });
    const encrypted = (await post('/encode', { body })).body;
    expect(await post('/decode', { body: encrypted }, other)).toMatchObject({
      status: 422,
      body: expect.stringContaining(`encrypted with the key '${id}'`),
    });
  });

  test('is exposed with a token only, and then asks for it', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({
      failureClass: 'EnvironmentInvalid',
      message: expect.stringContaining('NIGHTREEL_CODEC_TOKEN'),
    });
    await using exposed = await start({ token: TOKEN });
    const asked = (authorization?: string) =>
      post('/decode', { body, headers: { ...(authorization !== undefined && { authorization }) } }, exposed);
    expect(await asked()).toMatchObject({ status: 401 });
    expect(await asked(TOKEN)).toMatchObject({ status: 401 });
    expect(await asked(`Bearer ${TOKEN}x`)).toMatchObject({ status: 401 });
    expect(await asked(`Bearer ${TOKEN}`)).toMatchObject({ status: 200 });
    // A browser asks beforehand without it.
    const preflight = await post('/decode', { method: 'OPTIONS', headers: { origin: UI } }, exposed);
    expect(preflight).toMatchObject({ status: 204 });
  });

  test('tells a port that is taken', async () => {
    const port = Number(new URL(server.address).port);
    await expect(start({ port })).rejects.toThrow(/cannot be listened on .*--port/);
  });
});
