/**
 * The calls of telemetry alone, and the looks at /proc by which outcomes say what a video took: without an SDK they lead nowhere. As a
 * program it makes them with what the variables of OpenTelemetry say, and prints what came of it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { timeOf } from '../../src/rendering/measuring/group-times.ts';
import { Meter } from '../../src/rendering/measuring/meter.ts';
import {
  recordCpu,
  recordQueueWait,
  recordRender,
  recordStages,
  recordVariantCpu,
  timeStage,
} from '../../src/telemetry/metrics.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';
import { withSpan } from '../../src/telemetry/tracing.ts';

const TIMES = 500;
/** After so many a rest, in which spans are sent: more than 2,048 that wait would be dropped. */
const AT_ONCE = 10;
const REST_MS = 20;
/** As many as a render has, and some more. */
const SPANS = 16;
const RUNS_OF_FFMPEG = 3;

/** Processor time of those of one render, ms, what is sent included. `flush`: sends what is left. */
async function callsMs(flush: () => Promise<void>): Promise<number> {
  for (let index = 0; index < TIMES / 10; index += 1) await oneRender();
  const before = process.cpuUsage();
  for (let index = 0; index < TIMES; index += 1) {
    await oneRender();
    if (index % AT_ONCE === 0) await sleep(REST_MS);
  }
  await flush();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / TIMES;
}

async function oneRender(): Promise<void> {
  recordQueueWait('render', 10);
  using meter = new Meter();
  await meter.measured(async () => {
    const inside = async (depth: number): Promise<void> => {
      if (depth > 0) await withSpan('span', { 'nightreel.batch': 'bench/2026-11-26/1' }, () => inside(depth - 1));
    };
    await inside(SPANS);
    meter.browser([process.pid])[Symbol.dispose]();
    for (let run = 0; run < RUNS_OF_FFMPEG; run += 1) {
      timeOf(process.pid);
      meter.addEncoder(timeOf(process.pid));
    }
    recordStages({ acquireMs: 1, paramsMs: 10, captureMs: 1000, encodeMs: 100, verifyMs: 100, totalMs: 1211 }, 360);
    await timeStage('upload', async () => undefined);
  });
  const { cpuMs = 0 } = meter.measures({ bytes: 1, endedAt: Date.now() });
  recordRender(1300, 1);
  recordVariantCpu(cpuMs);
  recordCpu(meter.cpuMs);
}

const telemetry = await startTelemetry({ serviceName: 'nightreel-bench', targets: readTelemetry(process.env) });
process.stdout.write(`${await callsMs(() => telemetry.stop())}`);
