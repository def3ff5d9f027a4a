import { join } from 'node:path';
import { listCampaigns, loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { asFailure } from '../contracts/failures.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { assertConditionalWrites } from '../storage/conditional-writes.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { Health, type HealthState } from '../telemetry/health.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { startTelemetry } from '../telemetry/telemetry.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import { plannedCampaign } from './planned-campaign.ts';
import type { Role } from './roles.ts';
import { runWorkerProcess } from './worker-process.ts';

export interface ServeOptions {
  /** Renders at the same time. */
  readonly workers: number;
  readonly roles: readonly Role[];
  readonly capture: CaptureChoice;
  readonly uploadDirect: boolean;
}

/** Workers of this machine with everything they need, from the settings; runs until `signal` aborts. */
export async function serve(
  settings: Settings,
  { workers, roles, capture, uploadDirect }: ServeOptions,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const log = createLogger({ level: settings.logLevel, name: 'nightreel' });
  await using health = settings.health && (await Health.start(settings.health));
  const tell = (state: HealthState): void => {
    if (health !== null) health.state = state;
  };
  signal.addEventListener('abort', () => tell('draining'), { once: true });
  const telemetry = await startTelemetry({
    serviceName: 'nightreel-worker',
    version: settings.version,
    targets: settings.telemetry,
    onExportError: (reason) => log.warn({ reason }, 'telemetry is not delivered; renders go on without it'),
  });
  const store = new ObjectStore(settings.s3);
  try {
    await store.checkBucket();
    await assertConditionalWrites(store);
    const templatesFolder = join(settings.root, 'templates');
    await runWorkerProcess(
      {
        temporal: settings.temporal,
        store,
        roles,
        uploadDirect,
        webhooks: settings.webhooks,
        prices: settings.prices,
        rollout: settings.rollout,
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
      () => {
        if (!signal.aborted) tell('ready');
        onReady();
      },
    );
  } finally {
    store.close();
    await telemetry.stop();
  }
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
