/** A process that serves metrics, its own and those of Temporal's SDK; prints what it is answered with the token and without. */

import { Runtime } from '@temporalio/worker';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';

const targets = readTelemetry(process.env);
const telemetry = await startTelemetry({ serviceName: 'nightreel-test', targets });
const { temporalOptions: telemetryOptions } = telemetry;
Runtime.install({ ...(telemetryOptions && { telemetryOptions }) });

async function ask(port: number | undefined) {
  const url = `http://127.0.0.1:${port}/metrics`;
  const headers = { authorization: `Bearer ${process.env['NIGHTREEL_METRICS_TOKEN']}` };
  const answer = await fetch(url, { headers });
  return { without: (await fetch(url)).status, with: answer.status, text: await answer.text() };
}

const { scrape, temporal } = targets;
const { text, ...own } = await ask(scrape?.port);
const { text: _, ...ofTemporal } = await ask(temporal !== null && 'port' in temporal ? temporal.port : 0);
process.stdout.write(JSON.stringify({ own: { ...own, isOurs: text.includes('nightreel_') }, ofTemporal }));
await telemetry.stop();
process.exit();
