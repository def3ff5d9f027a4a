/** Where telemetry goes, from the standard variables of OpenTelemetry. */

import { Failure } from '../contracts/failures.ts';
import type { TelemetryTargets } from '../telemetry/telemetry.ts';
import type { Variables } from './environment.ts';

const METRICS_EXPORTERS = ['otlp', 'prometheus', 'none'];
/** The defaults of OpenTelemetry's specification: only this machine may ask. */
const SCRAPE = { host: 'localhost', port: 9464 } as const;

/** Failure `EnvironmentInvalid` names the variable that is wrong. */
export function readTelemetry(variables: Variables): TelemetryTargets {
  if (variables['OTEL_SDK_DISABLED']?.toLowerCase() === 'true')
    return { otlp: null, pushesMetrics: false, scrape: null, temporal: null };
  const otlp = variables['OTEL_EXPORTER_OTLP_ENDPOINT'] || null;
  const exporters = (variables['OTEL_METRICS_EXPORTER'] || 'otlp').split(',').map((name) => name.trim());
  const unknown = exporters.find((name) => !METRICS_EXPORTERS.includes(name));
  if (unknown !== undefined) {
    throw new Failure(
      'EnvironmentInvalid',
      `OTEL_METRICS_EXPORTER has '${unknown}': it takes ${METRICS_EXPORTERS.join(', ')}, or several with commas between them.`,
    );
  }
  const wants = (name: string): boolean => exporters.includes(name) && !exporters.includes('none');
  const host = variables['OTEL_EXPORTER_PROMETHEUS_HOST'] || SCRAPE.host;
  const pushesMetrics = otlp !== null && wants('otlp');
  const temporalPort = portOf(variables, 'NIGHTREEL_TEMPORAL_METRICS_PORT', null);
  return {
    otlp,
    pushesMetrics,
    scrape: wants('prometheus')
      ? { host, port: portOf(variables, 'OTEL_EXPORTER_PROMETHEUS_PORT', SCRAPE.port) }
      : null,
    // Its SDK serves or sends, and not both.
    temporal: temporalPort !== null ? { host, port: temporalPort } : pushesMetrics ? { otlp } : null,
  };
}

function portOf<Default extends number | null>(
  variables: Variables,
  name: string,
  fallback: Default,
): number | Default {
  const text = variables[name] || '';
  if (text === '') return fallback;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new Failure('EnvironmentInvalid', `${name} must be a port from 1 to 65535.`);
}
