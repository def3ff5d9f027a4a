import { join } from 'node:path';
import { businessDateOf, nightCalendar } from '../config/business-date.ts';
import { listCampaigns, loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { asFailure, Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import type { PlannedCampaign } from '../planning/plan-batch.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { startTelemetry } from '../telemetry/telemetry.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import { openCsvWarehouse } from '../warehouse/csv.ts';
import { openWarehouse } from '../warehouse/index.ts';
import type { Role } from './roles.ts';
import { runWorkerProcess } from './worker-process.ts';

export interface ServeOptions {
  /** Renders at the same time. */
  readonly workers: number;
  readonly roles: readonly Role[];
  readonly capture: CaptureChoice;
}

/** Workers of this machine with everything they need, from the settings; runs until `signal` aborts. */
export async function serve(
  settings: Settings,
  { workers, roles, capture }: ServeOptions,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const log = createLogger({ level: settings.logLevel, name: 'nightreel' });
  const telemetry = await startTelemetry({
    serviceName: 'nightreel-worker',
    version: settings.version,
    endpoint: settings.otlpEndpoint,
    onExportError: (reason) => log.warn({ reason }, 'telemetry is not delivered; renders go on without it'),
  });
  const store = new ObjectStore(settings.s3);
  try {
    await store.checkBucket();
    const templatesFolder = join(settings.root, 'templates');
    await runWorkerProcess(
      {
        temporal: settings.temporal,
        store,
        roles,
        templatesFolder,
        cacheFolder: join(settings.home, 'cache'),
        loadCampaign: (id) => plannedCampaign(settings, store, id),
        renderer: roles.includes('render')
          ? { tools: findTools(), slots: workers, capture, template: await firstTemplate(settings, log), log }
          : null,
        telemetry,
        log,
      },
      signal,
      onReady,
    );
  } finally {
    store.close();
    await telemetry.stop();
  }
}

/** A campaign file with its calendar and source, as planning wants it. Read anew for each plan: an edit needs no restart. */
async function plannedCampaign(settings: Settings, store: ObjectStore, id: CampaignId): Promise<PlannedCampaign> {
  const campaign = await loadCampaign(settings.root, id);
  const { schedule, source } = campaign;
  return {
    ...campaign,
    calendar: (given, asOf) => {
      const businessDate = given ?? businessDateOf(asOf, schedule.timeZone);
      return { businessDate, ...nightCalendar(businessDate, asOf, schedule) };
    },
    openSource: ({ paramsSchema }, csvKey) =>
      csvKey === null
        ? openWarehouse(source, { defaultDuckDbPath: settings.warehousePath, paramsSchema })
        : openCsvWarehouse({ name: csvKey, open: () => openInput(store, csvKey), paramsSchema }),
  };
}

/** What browsers are warmed with; a template that is broken fails its own batches, not this worker. */
async function firstTemplate({ root }: Settings, log: Logger): Promise<Template | undefined> {
  try {
    const [first] = await listCampaigns(root);
    if (first === undefined) return undefined;
    return await loadTemplate(join(root, 'templates', (await loadCampaign(root, first)).template));
  } catch (error) {
    log.warn({ reason: asFailure(error).message }, 'browsers start without a template');
    return undefined;
  }
}

async function openInput(store: ObjectStore, key: string) {
  const stream = await store.getStream(key);
  if (stream !== null) return stream;
  throw new Failure('WarehouseDenied', `The uploaded file ${key} is no longer in the bucket.`);
}
