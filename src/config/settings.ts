/** All that a command needs to know, in one immutable value: where the project lies, which servers, which programs. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Webhooks } from '../reporting/digest/webhooks.ts';
import type { Prices } from '../reporting/prices.ts';
import type { HealthAddress } from '../telemetry/health.ts';
import type { TelemetryTargets } from '../telemetry/telemetry.ts';
import { type Connections, resolveConnections } from './connections.ts';
import { readEnvironment, type Variables } from './environment.ts';
import { PACKAGE_ROOT, PACKAGE_TEMPLATES, workingFolder } from './package.ts';
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

const ownProject = (): string => resolve(process.env['NIGHTREEL_PROJECT'] || workingFolder());

/** What campaigns run from: the project's folder, as soon as it has campaigns; until then, the samples of an installed package. */
export const projectRoot = (): string =>
  process.env['NIGHTREEL_PROJECT'] || existsSync(join(ownProject(), 'campaigns')) ? ownProject() : PACKAGE_ROOT;

/** Where a new template goes, and where one is looked for by its name. */
export const ownTemplates = (): string => join(ownProject(), 'templates');

/** Where templates are found by name, the project's own first. */
export const templateFolders = (): string[] => [...new Set([ownTemplates(), PACKAGE_TEMPLATES])];
