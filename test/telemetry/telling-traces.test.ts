import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { type Context, createTraceState, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ONE_OF_MANY } from '../../src/contracts/spans.ts';
import { TellingTraces } from '../../src/telemetry/telling-traces.ts';
import { UsualDurations } from '../../src/telemetry/usual-durations.ts';

/** A process with this share of traces; `exported`: the names of spans that left it, in order. */
function processWith(ratio: number) {
  const exported: string[] = [];
  const next: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span: ReadableSpan) => void exported.push(span.name),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const spans = new TellingTraces(next, { ratio });
  const tracer = new BasicTracerProvider({ spanProcessors: [spans] }).getTracer('test');

  /** One activity of a trace, with a step in it; ends after so long, and failed or not. */
  const activity = (traceId: string, name: string, { ms = 1, fails = false, ofMany = true } = {}): void => {
    const startMs = 1_000_000;
    const within = tracer.startActiveSpan(name, { startTime: startMs }, remote(traceId, ofMany), (span) => {
      tracer.startSpan(`${name} step`, { startTime: startMs }, trace.setSpan(ROOT_CONTEXT, span)).end(startMs + ms);
      return span;
    });
    if (fails) within.setStatus({ code: SpanStatusCode.ERROR });
    within.end(startMs + ms);
  };
  return { exported, spans, activity };
}

/** The context that an activity is given by the workflow that began the trace. */
function remote(traceId: string, ofMany: boolean): Context {
  const traceState = ofMany ? createTraceState().set(ONE_OF_MANY, 'renderVariant') : undefined;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
    isRemote: true,
    ...(traceState && { traceState }),
  });
}

const newTrace = (): string => randomUUID().replaceAll('-', '');

test('of ordinary variants the share that was asked for is exported, each trace whole', () => {
  const { exported, activity } = processWith(0.25);
  for (let index = 0; index < 2_000; index += 1) {
    const id = newTrace();
    activity(id, `render ${index}`);
    activity(id, `publish ${index}`);
  }
  const names = exported.map((name) => name.replace(' step', ''));
  const rendered = new Set(names.filter((name) => name.startsWith('render')));
  expect(rendered.size).toBeGreaterThan(400);
  expect(rendered.size).toBeLessThan(600);
  expect(exported).toHaveLength(rendered.size * 4);
});

test('what is no variant and no scene is exported in any case', () => {
  const { exported, activity } = processWith(0);
  activity(newTrace(), 'plan', { ofMany: false });
  activity(newTrace(), 'render');
  expect(exported).toEqual(['plan step', 'plan']);
});

test('a variant with a failure in it is exported, with what went well before and comes after', () => {
  const { exported, activity } = processWith(0);
  const [failing, ordinary] = [newTrace(), newTrace()];
  activity(failing, 'first attempt');
  activity(ordinary, 'other');
  activity(failing, 'second attempt', { fails: true });
  activity(failing, 'third attempt');
  expect(exported).toEqual(
    ['first attempt', 'second attempt', 'third attempt'].flatMap((name) => [`${name} step`, name]),
  );
});

test('one that takes far longer than usual is exported', () => {
  const { exported, activity } = processWith(0);
  for (let index = 0; index < 50; index += 1) activity(newTrace(), 'render', { ms: 2_000 + index });
  activity(newTrace(), 'render', { ms: 3_900 });
  expect(exported).toEqual([]);
  activity(newTrace(), 'render', { ms: 4_200 });
  expect(exported).toEqual(['render step', 'render']);
});

test('what waits is bounded: the oldest goes, and nothing of it is exported later', () => {
  const { exported, activity } = processWith(0);
  const [oldest, newest] = [newTrace(), newTrace()];
  activity(oldest, 'oldest');
  for (let index = 0; index < 10_000; index += 1) activity(newTrace(), 'render');
  activity(newest, 'newest');
  activity(oldest, 'oldest, later', { fails: true });
  activity(newest, 'newest, later', { fails: true });
  expect(exported.filter((name) => !name.endsWith('step'))).toEqual(['oldest, later', 'newest', 'newest, later']);
});

test('what is usual is known from twenty on, of the last two hundred, and a second is the least that counts', () => {
  const usual = new UsualDurations();
  expect(Array.from({ length: 20 }, () => usual.isExceededBy('render', 100)).some(Boolean)).toBe(false);
  expect(usual.isExceededBy('render', 1_000)).toBe(false);
  expect(usual.isExceededBy('render', 1_200)).toBe(true);
  expect(usual.isExceededBy('publish', 60_000)).toBe(false);
  for (let index = 0; index < 200; index += 1) usual.isExceededBy('render', 5_000);
  expect(usual.isExceededBy('render', 9_000)).toBe(false);
  expect(usual.isExceededBy('render', 11_000)).toBe(true);
});
