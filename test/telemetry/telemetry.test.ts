import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';

const said = z.object({ sdkFiles: z.int(), plugins: z.int(), modules: z.int(), startMs: z.number() });
const line = z.object({
  level: z.string(),
  msg: z.string(),
  reason: z.string().optional(),
  trace_id: z.string().optional(),
  span_id: z.string().optional(),
});

let collector: Server | null = null;
afterEach(() => {
  collector?.closeAllConnections();
  collector?.close();
  collector = null;
});

async function listen(handler: RequestListener): Promise<string> {
  collector = createServer(handler).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  return `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
}

async function emit(endpoint: string) {
  const script = join(import.meta.dirname, 'emit.ts');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, endpoint]);
  const lines = stderr.trim().split('\n');
  return { result: said.parse(JSON.parse(stdout)), log: lines.map((text) => line.parse(JSON.parse(text))) };
}

describe('with a collector', () => {
  test('spans and metrics arrive, and no message that could quote a person', async () => {
    const received = new Map<string, Buffer[]>();
    const endpoint = await listen(async (request, response) => {
      const body = await buffer(request);
      if (request.method === 'HEAD') return response.writeHead(503).end();
      received.set(request.url ?? '', [...(received.get(request.url ?? '') ?? []), body]);
      response.end();
    });
    const { result, log } = await emit(`${endpoint}/`);

    expect([...received.keys()].sort()).toEqual(['/v1/metrics', '/v1/traces']);
    const spans = Buffer.concat(received.get('/v1/traces') ?? []);
    for (const text of [
      'batch',
      'variant',
      'nightreel-test',
      '1.2.3',
      'FontMissing',
      'A font is missing.',
      'Internal',
    ]) {
      expect(spans.includes(text)).toBe(true);
    }
    expect(spans.includes('Lovelace')).toBe(false);
    const metrics = Buffer.concat(received.get('/v1/metrics') ?? []);
    for (const text of [
      'nightreel.variants',
      'nightreel.failures',
      'nightreel.render.duration',
      'nightreel.storage.throttled',
      'outcome',
      'cached',
      'FontMissing',
    ]) {
      expect(metrics.includes(text)).toBe(true);
    }
    expect(result).toMatchObject({ plugins: 1, modules: 1 });

    const inside = log.find(({ msg }) => msg === 'inside the batch');
    expect(spans.includes(Buffer.from(inside?.trace_id ?? 'none', 'hex'))).toBe(true);
    expect(spans.includes(Buffer.from(inside?.span_id ?? 'none', 'hex'))).toBe(true);
    expect(log.find(({ msg }) => msg === 'outside')?.trace_id).toBeUndefined();
  });
});

describe('without one', () => {
  test('nothing of the SDK is loaded, and logs are the same', async () => {
    const { result, log } = await emit('-');
    expect(result).toEqual({ sdkFiles: 0, plugins: 0, modules: 0, startMs: expect.anything() });
    expect(log.map(({ level, msg }) => [level, msg])).toEqual([
      ['info', 'inside the batch'],
      ['info', 'outside'],
    ]);
  });

  test('a collector that is gone loses telemetry only, and the log says so once', async () => {
    const { log } = await emit('http://127.0.0.1:9');
    const warnings = log.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toContain('ECONNREFUSED');
  });

  test('a collector that takes requests and never answers does not keep the process from ending', async () => {
    const { result } = await emit(await listen(() => undefined));
    expect(result.plugins).toBe(1);
  });
});
