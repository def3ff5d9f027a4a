/** Where telemetry goes, from the standard variables of OpenTelemetry. */

import { readFileSync } from 'node:fs';
import { Failure } from '../contracts/failures.ts';
import { isLoopback } from '../machine/loopback.ts';
import type { OtlpTarget, TelemetryTargets } from '../telemetry/telemetry.ts';
import type { Variables } from './environment.ts';
import { isPort, MIN_TOKEN } from './variables.ts';

const METRICS_EXPORTERS = ['otlp', 'prometheus', 'none'];
const TRACES_EXPORTERS = ['otlp', 'none'];
/** A variant's trace has no parent that could decide: with and without `parentbased_` is the same. */
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [`parentbased_${name}`, name]);
/** The defaults of OpenTelemetry's specification: only this machine may ask. */
const SCRAPE = { host: 'localhost', port: 9464 } as const;

/** With one of them the native part of Temporal's SDK, which cannot compress, would not start. */
const COMPRESSION = ['OTEL_EXPORTER_OTLP_COMPRESSION', 'OTEL_EXPORTER_OTLP_METRICS_COMPRESSION'] as const;

/** What the exporters speak; it is also what they would speak if nothing is said. */
const PROTOCOL = 'http/protobuf';
const PATHS = { TRACES: '/v1/traces', METRICS: '/v1/metrics' } as const;
type Signal = keyof typeof PATHS;
/** A collector answers at once, or something is wrong with it: OpenTelemetry's ten seconds would hold more back. */
const TIMEOUT_MS = 3_000;
/** Prometheus asks as often. */
const METRICS_EVERY_MS = 15_000;

/** Failure `EnvironmentInvalid` names the variable that is wrong. */
export function readTelemetry(variables: Variables): TelemetryTargets {
  if (variables['OTEL_SDK_DISABLED']?.toLowerCase() === 'true')
    return { traces: null, metrics: null, scrape: null, temporal: null };
  const exporters = exportersIn(variables, 'OTEL_METRICS_EXPORTER', METRICS_EXPORTERS);
  const tracesExporters = exportersIn(variables, 'OTEL_TRACES_EXPORTER', TRACES_EXPORTERS);
  const ratio = ratioIn(variables);
  const host = variables['OTEL_EXPORTER_PROMETHEUS_HOST'] || SCRAPE.host;
  const spans = ratio !== null && tracesExporters.includes('otlp') ? targetOf(variables, 'TRACES') : null;
  const metrics = exporters.includes('otlp') ? pushedIn(variables) : null;
  const temporalPort = portOf(variables, 'NIGHTREEL_TEMPORAL_METRICS_PORT', null);
  if (temporalPort === null && metrics !== null) assertUncompressed(variables);
  const isServed = exporters.includes('prometheus') || temporalPort !== null;
  const token = isServed ? tokenFor(variables, host) : null;
  return {
    traces: spans !== null && ratio !== null ? { ...spans, ratio } : null,
    metrics,
    scrape: exporters.includes('prometheus')
      ? { host, port: portOf(variables, 'OTEL_EXPORTER_PROMETHEUS_PORT', SCRAPE.port), token }
      : null,
    // Its SDK serves or sends, and not both.
    temporal: temporalPort !== null ? { host, port: temporalPort, token } : metrics,
  };
}

/** What Prometheus has to show. Null: nothing, which will do where only this machine can ask. */
function tokenFor(variables: Variables, host: string): string | null {
  const path = variables['NIGHTREEL_METRICS_TOKEN_FILE'] || null;
  const token = path === null ? variables['NIGHTREEL_METRICS_TOKEN'] || null : readToken(path);
  if (token === null && !isLoopback(host)) {
    throw new Failure(
      'EnvironmentInvalid',
      `OTEL_EXPORTER_PROMETHEUS_HOST is ${host}: metrics that other machines can ask for need a token. Set NIGHTREEL_METRICS_TOKEN or NIGHTREEL_METRICS_TOKEN_FILE, and have Prometheus show it (authorization: credentials_file).`,
    );
  }
  if (token === null || (token.length >= MIN_TOKEN && /^[\x21-\x7e]+$/.test(token))) return token;
  const name = path === null ? 'NIGHTREEL_METRICS_TOKEN' : 'The token in NIGHTREEL_METRICS_TOKEN_FILE';
  throw new Failure(
    'EnvironmentInvalid',
    `${name} must have ${MIN_TOKEN} characters or more, without blanks: \`openssl rand -hex 32\` makes one.`,
  );
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure('EnvironmentInvalid', `NIGHTREEL_METRICS_TOKEN_FILE: ${path} cannot be read (${code}).`, {
      cause,
    });
  }
}

/** Where a signal is sent: to an address of its own as it stands, else to its path at the one for all. Null: nowhere. */
function targetOf(variables: Variables, signal: Signal): OtlpTarget | null {
  const own = `OTEL_EXPORTER_OTLP_${signal}_`;
  const ownUrl = urlIn(variables, `${own}ENDPOINT`);
  const base = urlIn(variables, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const url = ownUrl ?? (base === null ? null : `${base.replace(/\/+$/, '')}${PATHS[signal]}`);
  if (url === null) return null;
  const protocol = variables[`${own}PROTOCOL`] ? `${own}PROTOCOL` : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  if (![undefined, '', PROTOCOL].includes(variables[protocol])) {
    throw new Failure(
      'EnvironmentInvalid',
      `${protocol} has '${variables[protocol]}': ${PROTOCOL} is all that Nightreel speaks. Collectors listen for it at port 4318.`,
    );
  }
  const timeoutMs =
    millisecondsIn(variables, `${own}TIMEOUT`) ?? millisecondsIn(variables, 'OTEL_EXPORTER_OTLP_TIMEOUT') ?? TIMEOUT_MS;
  return { url, timeoutMs };
}

function pushedIn(variables: Variables): TelemetryTargets['metrics'] {
  const target = targetOf(variables, 'METRICS');
  if (target === null) return null;
  const everyMs = millisecondsIn(variables, 'OTEL_METRIC_EXPORT_INTERVAL') ?? METRICS_EVERY_MS;
  const limitMs = millisecondsIn(variables, 'OTEL_METRIC_EXPORT_TIMEOUT') ?? Math.min(everyMs, target.timeoutMs);
  if (limitMs <= everyMs) return { ...target, everyMs, limitMs };
  throw new Failure(
    'EnvironmentInvalid',
    `OTEL_METRIC_EXPORT_TIMEOUT must not be more than the ${everyMs} ms after which metrics are sent again (OTEL_METRIC_EXPORT_INTERVAL).`,
  );
}

function urlIn(variables: Variables, name: string): string | null {
  const text = variables[name] || null;
  if (text === null || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new Failure(
    'EnvironmentInvalid',
    `${name} must be an http or https address, for example http://collector:4318.`,
  );
}

function millisecondsIn(variables: Variables, name: string): number | null {
  const text = variables[name] || null;
  if (text === null) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Failure('EnvironmentInvalid', `${name} must be a whole number of milliseconds, from 1 on.`);
}

function assertUncompressed(variables: Variables): void {
  const name = COMPRESSION.find((each) => variables[each]);
  if (name === undefined) return;
  throw new Failure(
    'EnvironmentInvalid',
    `${name} must not be set: Temporal's SDK cannot send its metrics compressed. Set OTEL_EXPORTER_OTLP_TRACES_COMPRESSION for the spans alone, or have Temporal's metrics scraped at NIGHTREEL_TEMPORAL_METRICS_PORT.`,
  );
}

/** Those that are named; `none` among them: none. */
function exportersIn(variables: Variables, name: string, known: readonly string[]): readonly string[] {
  const exporters = (variables[name] || 'otlp').split(',').map((exporter) => exporter.trim());
  const unknown = exporters.find((exporter) => !known.includes(exporter));
  if (unknown !== undefined) {
    throw new Failure(
      'EnvironmentInvalid',
      `${name} has '${unknown}': it takes ${known.join(', ')}, or several with commas between them.`,
    );
  }
  return exporters.includes('none') ? [] : exporters;
}

/** Share of ordinary traces that is exported; null: there are none at all. */
function ratioIn(variables: Variables): number | null {
  const sampler = variables['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  if (!SAMPLERS.includes(sampler)) {
    throw new Failure(
      'EnvironmentInvalid',
      `OTEL_TRACES_SAMPLER has '${sampler}': it takes one of ${SAMPLERS.join(', ')}.`,
    );
  }
  if (sampler.endsWith('always_off')) return null;
  if (sampler.endsWith('always_on')) return 1;
  const ratio = Number(variables['OTEL_TRACES_SAMPLER_ARG'] || '1');
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new Failure('EnvironmentInvalid', 'OTEL_TRACES_SAMPLER_ARG must be a share from 0 to 1, for example 0.05.');
}

function portOf<Default extends number | null>(
  variables: Variables,
  name: string,
  fallback: Default,
): number | Default {
  const text = variables[name] || '';
  if (text === '') return fallback;
  if (isPort(text)) return Number(text);
  throw new Failure('EnvironmentInvalid', `${name} must be a port from 1 to 65535.`);
}
