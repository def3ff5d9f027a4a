/** Where telemetry goes, from the standard variables of OpenTelemetry. */

import { Failure } from '../contracts/failures.ts';
import type { TelemetryTargets } from '../telemetry/telemetry.ts';
import type { Variables } from './environment.ts';
import { isPort } from './variables.ts';

const METRICS_EXPORTERS = ['otlp', 'prometheus', 'none'];
const TRACES_EXPORTERS = ['otlp', 'none'];
/** A variant's trace has no parent that could decide: with and without `parentbased_` is the same. */
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [`parentbased_${name}`, name]);
/** The defaults of OpenTelemetry's specification: only this machine may ask. */
const SCRAPE = { host: 'localhost', port: 9464 } as const;

/** With one of them the native part of Temporal's SDK, which cannot compress, would not start. */
const COMPRESSION = ['OTEL_EXPORTER_OTLP_COMPRESSION', 'OTEL_EXPORTER_OTLP_METRICS_COMPRESSION'] as const;

/** Failure `EnvironmentInvalid` names the variable that is wrong. */
export function readTelemetry(variables: Variables): TelemetryTargets {
  if (variables['OTEL_SDK_DISABLED']?.toLowerCase() === 'true')
    return { otlp: null, traces: null, pushesMetrics: false, scrape: null, temporal: null };
  const otlp = variables['OTEL_EXPORTER_OTLP_ENDPOINT'] || null;
  const metrics = exportersIn(variables, 'OTEL_METRICS_EXPORTER', METRICS_EXPORTERS);
  const traces = exportersIn(variables, 'OTEL_TRACES_EXPORTER', TRACES_EXPORTERS);
  const ratio = ratioIn(variables);
  const host = variables['OTEL_EXPORTER_PROMETHEUS_HOST'] || SCRAPE.host;
  const pushesMetrics = otlp !== null && metrics.includes('otlp');
  const temporalPort = portOf(variables, 'NIGHTREEL_TEMPORAL_METRICS_PORT', null);
  if (temporalPort === null && pushesMetrics) assertUncompressed(variables);
  return {
    otlp,
    traces: otlp !== null && ratio !== null && traces.includes('otlp') ? { ratio } : null,
    pushesMetrics,
    scrape: metrics.includes('prometheus')
      ? { host, port: portOf(variables, 'OTEL_EXPORTER_PROMETHEUS_PORT', SCRAPE.port) }
      : null,
    // Its SDK serves or sends, and not both.
    temporal: temporalPort !== null ? { host, port: temporalPort } : pushesMetrics ? { otlp } : null,
  };
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
