/** All that a command needs to know, in one immutable value: where the project lies, which servers, which programs. */

import { resolve } from 'node:path';
import type { Webhooks } from '../reporting/digest/webhooks.ts';
import type { Prices } from '../reporting/prices.ts';
import type { HealthAddress } from '../telemetry/health.ts';
import type { TelemetryTargets } from '../telemetry/telemetry.ts';
import { type Connections, resolveConnections } from './connections.ts';
import { PROJECT_ROOT, readEnvironment, type Variables } from './environment.ts';
import { loadPrices } from './prices.ts';
import { readTelemetry } from './telemetry.ts';
import type { LogLevel, Rollout } from './variables.ts';
import { packageVersion } from './version.ts';

export interface Settings extends Connections {
  /** The folder that holds `campaigns/` and `templates/`. */
  readonly root: string;
  readonly version: string;
  readonly logLevel: LogLevel;
  readonly rollout: Rollout;
  /** Whether videos go to the store as they are made; else from a temporary file. */
  readonly uploadDirect: boolean;
  /** Where a worker process tells its health; null: nowhere. */
  readonly health: HealthAddress | null;
  /** Where a closed batch's digest is posted. */
  readonly webhooks: Webhooks;
  /** Address of one trace, with `{traceId}` in it; null: nobody said. */
  readonly traceUrl: string | null;
  /** What reports and estimates reckon with. */
  readonly prices: Prices;
  /** All variables: sources name some of them for their credentials. */
  readonly variables: Variables;
  readonly telemetry: TelemetryTargets;
}

/** Failure `EnvironmentInvalid`, `CampaignInvalid`, `TemporalUnavailable` or `StorageUnavailable` when a part is missing or wrong. */
export async function loadSettings(): Promise<Settings> {
  const environment = readEnvironment();
  const root = projectRoot();
  return {
    ...(await resolveConnections(environment)),
    root,
    version: packageVersion(),
    variables: environment.variables,
    logLevel: environment.logLevel,
    rollout: environment.rollout,
    uploadDirect: environment.uploadDirect,
    health: environment.health,
    webhooks: environment.webhooks,
    traceUrl: environment.traceUrl,
    prices: await loadPrices(root),
    telemetry: readTelemetry(environment.variables),
  };
}

/** NIGHTREEL_PROJECT, else the repository itself. */
export const projectRoot = (): string => resolve(process.env['NIGHTREEL_PROJECT'] || PROJECT_ROOT);
