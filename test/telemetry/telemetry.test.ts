import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import { temporalMetrics } from '../../src/telemetry/temporal-metrics.ts';

const said = z.object({
  sdkFiles: z.int(),
  plugins: z.int(),
  modules: z.int(),
  startMs: z.number(),
  scraped: z.string().nullable(),
  temporalTags: z.record(z.string(), z.string()).nullable(),
  headers: z.array(z.string()),
});
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

async function emit(variables: Readonly<Record<string, string>> = {}) {
  const script = join(import.meta.dirname, 'emit.ts');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { env: variables });
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
    const { result, log } = await emit({ OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/` });

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

test('each signal is sent to its own address, with the headers for all and its own', async () => {
  const received = new Map<string, unknown[]>();
  const endpoint = await listen((request, response) => {
    const { authorization, tenant } = request.headers;
    received.set(request.url ?? '', [authorization, tenant]);
    response.end();
  });
  await emit({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/spans`,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${endpoint}/numbers`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'tenant=films',
  });
  expect(Object.fromEntries(received)).toEqual({
    '/spans': ['secret', 'films'],
    '/numbers': ['secret', undefined],
  });
});

test("Temporal's own metrics say of which process they are, and spans travel in one format, whatever the variables say", async () => {
  const { result } = await emit({
    OTEL_EXPORTER_OTLP_ENDPOINT: await listen((_, response) => response.end()),
    OTEL_PROPAGATORS: 'b3',
    OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=films,service.version=1.2.4',
  });
  const instance = { 'service.instance.id': expect.stringMatching(/./), 'host.name': expect.stringMatching(/./) };
  const service = { 'service.name': 'nightreel-test', 'service.version': '1.2.4', 'service.namespace': 'films' };
  expect(result.temporalTags).toMatchObject({ ...service, ...instance });
  expect(result.headers).toEqual(['traceparent', 'tracestate']);
});

describe('without one', () => {
  test('nothing of the SDK is loaded, and logs are the same', async () => {
    const { result, log } = await emit();
    const none = { sdkFiles: 0, plugins: 0, modules: 0, scraped: null, temporalTags: null, headers: [] };
    expect(result).toEqual({ ...none, startMs: expect.anything() });
    expect(log.map(({ level, msg }) => [level, msg])).toEqual([
      ['info', 'inside the batch'],
      ['info', 'outside'],
    ]);
  });

  test('a collector that is gone loses telemetry only, and the log says so once', async () => {
    const { log } = await emit({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    const warnings = log.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toContain('ECONNREFUSED');
  });

  test('a collector that takes requests and never answers does not keep the process from ending', async () => {
    const { result } = await emit({ OTEL_EXPORTER_OTLP_ENDPOINT: await listen(() => undefined) });
    expect(result.plugins).toBe(1);
  });
});

describe('scraped by Prometheus', () => {
  const onPort = (port: number) => ({
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
  });

  test('metrics are there without a collector, and no spans are made', async () => {
    const { result, log } = await emit(onPort(await new PortChooser().choose()));
    expect(result).toMatchObject({ plugins: 0, modules: 0 });
    expect(log.filter(({ level }) => level !== 'info')).toEqual([]);
    for (const line of [
      'nightreel_variants_total{outcome="rendered"} 1',
      'nightreel_storage_throttled_total 0',
      'nightreel_stage_duration_seconds_count{stage="capture"} 1',
      'nightreel_pool_browsers{state="leased"} 3',
      'nightreel_pool_warmups_total 7',
      'nightreel_pool_leases_total 900',
      'nightreel_batch_deadline_slack_seconds{campaign="referral"} 7200',
      'nightreel_cpu_seconds_total{part="encoder"} 1.5',
      'nightreel_variant_cpu_seconds_sum 4',
      'nightreel_queue_wait_seconds_count{queue="render"} 2',
      'nightreel_queue_wait_seconds_sum{queue="render"} 0.25',
      'nightreel_storage_retries_total 2',
      'nightreel_batch_progress_ratio{campaign="referral"} 0.25',
      'nightreel_batch_unsettled{campaign="referral"} 150',
      // It is over, and a series cannot end.
      'nightreel_batch_progress_ratio{campaign="birthday"} NaN',
    ]) {
      expect(result.scraped?.split('\n')).toContain(line);
    }
  });

  test('a request that the store took the second time was sent again once, and throttled once', async () => {
    let asked = 0;
    const endpoint = await listen(async (request, response) => {
      await buffer(request);
      if (request.method === 'HEAD') asked += 1;
      response.writeHead(request.method === 'HEAD' ? (asked === 1 ? 503 : 404) : 200).end();
    });
    const port = await new PortChooser().choose();
    const { result } = await emit({ ...onPort(port), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    expect(asked).toBe(2);
    // Two more are said to have been.
    expect(result.scraped).toContain('nightreel_storage_retries_total 3\n');
    expect(result.scraped).toContain('nightreel_storage_throttled_total 1\n');
  });

  test('two thousand failed videos make no more series than there are classes, and nobody is named', async () => {
    const { result } = await emit(onPort(await new PortChooser().choose()));
    const series = (result.scraped ?? '').split('\n').filter((line) => /^nightreel_/.test(line));
    expect(series.length).toBeGreaterThan(100);
    expect(series.length).toBeLessThan(400);
    const labels = new Set(series.flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, name]) => name)));
    expect([...labels].sort()).toEqual([
      'campaign',
      'class',
      'le',
      'outcome',
      'part',
      'queue',
      'reason',
      'result',
      'stage',
      'state',
    ]);
    expect(series.join()).not.toMatch(/[0-9a-f]{32}/);
  });

  test('metrics are scraped and not pushed where a collector gets the spans alone', async () => {
    const paths: (string | undefined)[] = [];
    const endpoint = await listen((request, response) => {
      if (request.method === 'POST') paths.push(request.url);
      response.end();
    });
    const { result } = await emit({
      ...onPort(await new PortChooser().choose()),
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    });
    expect(result.scraped).toContain('nightreel_variants_total');
    expect(new Set(paths)).toEqual(new Set(['/v1/traces']));
  });

  test('a port that is taken is one line that says what to do, and the process goes on', async () => {
    const port = Number(new URL(await listen((_, response) => response.end('another'))).port);
    const { result, log } = await emit(onPort(port));
    expect(result.scraped).toBe('another');
    const warnings = log.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/on 127\.0\.0\.1:\d+ \(the port is taken\).*OTEL_EXPORTER_PROMETHEUS_PORT/),
    ]);
  });

  test("a port for the metrics of Temporal's SDK that is taken is told, and nobody listens there", async () => {
    const port = Number(new URL(await listen((_, response) => response.end('another'))).port);
    const told: string[] = [];
    const found = await temporalMetrics({ temporal: { host: '127.0.0.1', port, token: null } }, {}, (message) =>
      told.push(message),
    );
    expect(found).toBeUndefined();
    expect(told).toEqual([
      expect.stringMatching(/on 127\.0\.0\.1:\d+ \(the port is taken\).*NIGHTREEL_TEMPORAL_METRICS_PORT/),
    ]);
  });

  test.each([
    [{ OTEL_METRICS_EXPORTER: 'statsd' }, "OTEL_METRICS_EXPORTER has 'statsd'"],
    [{ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: '70000' }, 'a port from 1 to 65535'],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, "OTEL_TRACES_EXPORTER has 'zipkin'"],
    [{ OTEL_TRACES_SAMPLER: 'xray' }, "OTEL_TRACES_SAMPLER has 'xray'"],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '5%' }, 'a share from 0 to 1'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' }, 'a share from 0 to 1'],
    [{ NIGHTREEL_TEMPORAL_METRICS_PORT: 'on' }, 'NIGHTREEL_TEMPORAL_METRICS_PORT must be a port from 1 to 65535'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
      'OTEL_EXPORTER_OTLP_COMPRESSION must not be set',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address'],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'grpc://x' }, 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT must be an http'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      "OTEL_EXPORTER_OTLP_PROTOCOL has 'grpc': http/protobuf is all",
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL has 'http/json'",
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_TIMEOUT: '3s' },
      'OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number of milliseconds',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_METRIC_EXPORT_TIMEOUT: '20000' },
      'OTEL_METRIC_EXPORT_TIMEOUT must not be more than the 15000 ms',
    ],
  ])('a wrong variable is named: %j', (variables, message) => {
    expect(() => readTelemetry(variables)).toThrow(message);
  });

  test.each([
    [{}, { ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: '0.1' }, { ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, { ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.05' }, { ratio: 0.05 }],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, { ratio: 0 }],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, null],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, null],
    [{ OTEL_TRACES_EXPORTER: 'none' }, null],
  ])('which traces are wanted: %j is %j', (variables, traces) => {
    const found = readTelemetry({ ...variables, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' });
    expect(found.traces).toEqual(traces === null ? null : expect.objectContaining(traces));
    expect(readTelemetry(variables).traces).toBeNull();
  });

  test('each signal has its own address, timeout and protocol, and those for all where it has none', () => {
    const all = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x/y/', OTEL_EXPORTER_OTLP_TIMEOUT: '5000' };
    expect(readTelemetry(all)).toMatchObject({
      traces: { url: 'http://x/y/v1/traces', timeoutMs: 5_000 },
      metrics: { url: 'http://x/y/v1/metrics', timeoutMs: 5_000, everyMs: 15_000, limitMs: 5_000 },
    });
    const own = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://spans/in',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '700',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
      OTEL_METRIC_EXPORT_INTERVAL: '2000',
      OTEL_METRIC_EXPORT_TIMEOUT: '1000',
    };
    expect(readTelemetry({ ...all, ...own })).toMatchObject({
      traces: { url: 'http://spans/in', timeoutMs: 700 },
      metrics: { url: 'http://x/y/v1/metrics', everyMs: 2_000, limitMs: 1_000 },
      temporal: { url: 'http://x/y/v1/metrics', everyMs: 2_000 },
    });
    expect(readTelemetry(own)).toMatchObject({ traces: { url: 'http://spans/in' }, metrics: null, temporal: null });
    const metrics = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://numbers/in' };
    expect(readTelemetry(metrics)).toMatchObject({ traces: null, metrics: { url: 'http://numbers/in' } });
  });

  test("Temporal's own metrics go where the others are pushed, or to a port of their own", () => {
    const pushed = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' };
    expect(readTelemetry(pushed).temporal).toMatchObject({ url: 'http://x/v1/metrics', everyMs: 15_000 });
    expect(readTelemetry({ ...pushed, OTEL_METRICS_EXPORTER: 'none' }).temporal).toBeNull();
    const own = { NIGHTREEL_TEMPORAL_METRICS_PORT: '9465', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' };
    expect(readTelemetry({ ...pushed, ...own }).temporal).toEqual({ host: 'localhost', port: 9465, token: null });
    expect(readTelemetry({}).temporal).toBeNull();
  });

  test('a disabled SDK is off, whatever else is said', () => {
    const variables = { ...onPort(9464), OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' };
    const off = { traces: null, metrics: null, scrape: null, temporal: null };
    expect(readTelemetry(variables)).toEqual(off);
  });
});
