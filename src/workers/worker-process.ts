/**
 * The composition root of a worker process: builds the dependencies that its roles need, starts one Temporal worker per
 * role, and ends all of it in the right order.
 */

import { tmpdir } from 'node:os';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createAssembleActivities } from '../activities/assemble.ts';
import { createBatchActivities } from '../activities/batch.ts';
import { FailedAttempts } from '../activities/failed-attempts.ts';
import { createPlanActivities } from '../activities/plan.ts';
import { createPointerActivities } from '../activities/pointers.ts';
import { createRenderActivities } from '../activities/render.ts';
import { connectFailure } from '../client/connect.ts';
import { deploymentVersion } from '../client/deployment.ts';
import { lookForNight } from '../client/watched-night.ts';
import { workflowsUrl, workflowUrl } from '../client/web-ui.ts';
import type { TemporalTarget } from '../config/connections.ts';
import type { Rollout } from '../config/variables.ts';
import { FAILURES, Failure } from '../contracts/failures.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { dataConverterOf } from '../encryption/data-converter.ts';
import { createOwned, ownedRoot, removeOwned, sweepOwned, workRoot } from '../machine/owned-folders.ts';
import { Consent } from '../planning/consent.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import type { PlanDeps } from '../planning/plan-batch.ts';
import { assertSound } from '../rendering/mp4/stored-scene.ts';
import { Renderer, type RendererOptions } from '../rendering/renderer.ts';
import type { Webhooks } from '../reporting/digest/webhooks.ts';
import type { Prices } from '../reporting/prices.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { fetchPinnedTemplate } from '../storage/pinned-templates.ts';
import { SceneStore } from '../storage/scene-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { observeBatches, observePool, observeScenes } from '../telemetry/metrics.ts';
import { RunningBatches } from '../telemetry/running-batches.ts';
import { batchSinks } from '../telemetry/sinks.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { TemplateLibrary } from '../templates/library.ts';
import { grpcCompressionFor } from './grpc-compression.ts';
import type { Role } from './roles.ts';
import { SHUTDOWN_FORCE, SHUTDOWN_GRACE } from './shutdown.ts';
import { temporalLogger } from './temporal-logger.ts';
import { keepVersion, type VersionKeeperOptions } from './version-keeper.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { workflowVersion } from './workflow-version.ts';

/** Stored scenes that a process keeps at hand: some 1,500 of two seconds at 720p. */
const SCENE_MEMORY_BYTES = 256 * 1024 * 1024;

export interface WorkerProcessOptions {
  readonly temporal: TemporalTarget;
  readonly store: ObjectStore;
  readonly roles: readonly Role[];
  readonly rollout: Rollout;
  /** Whether videos go to the store as they are made; else from a temporary file. */
  readonly uploadDirect: boolean;
  /** Where the digests of closed batches are posted. */
  readonly webhooks: Webhooks;
  /** What reports reckon with. */
  readonly prices: Prices;
  readonly templatesFolder: string;
  readonly cacheFolder: string;
  readonly loadCampaign: PlanDeps['loadCampaign'];
  /** Null when this process does not render. */
  readonly renderer: RendererOptions | null;
  readonly telemetry: Telemetry;
  readonly log: Logger;
}

/** Runs until `signal` aborts or a worker dies; drains, then ends browsers and connections. */
export async function runWorkerProcess(
  options: WorkerProcessOptions,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const { log, roles, store } = options;
  const { temporalOptions: telemetryOptions } = options.telemetry;
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    ...(telemetryOptions && { telemetryOptions }),
  });
  const connection = await connect(options.temporal);
  let renderer: Renderer | null = null;
  let pinnedFolder: string | null = null;
  try {
    const pinnedRoot = ownedRoot(tmpdir(), 'templates');
    await sweepOwned(pinnedRoot);
    await sweepOwned(workRoot());
    const folder = await createOwned(pinnedRoot);
    pinnedFolder = folder;
    const templates = new TemplateLibrary(options.templatesFolder, (digest) =>
      fetchPinnedTemplate(store, digest, folder),
    );
    const manifests = new ManifestReader(store);
    const failures = new FailedAttempts({ store, log });
    const scenes = new SceneStore({ store, memoryBytes: SCENE_MEMORY_BYTES, check: assertSound, log });
    observeScenes(() => scenes.stats);
    const plugins = options.telemetry.temporalPlugins();
    const { namespace, payloadKeys } = options.temporal;
    const dataConverter = dataConverterOf(payloadKeys);
    const create = (taskQueue: Role, rest: Partial<WorkerOptions>) =>
      Worker.create({
        connection,
        namespace,
        dataConverter,
        taskQueue: TASK_QUEUES[taskQueue],
        shutdownGraceTime: SHUTDOWN_GRACE,
        shutdownForceTime: SHUTDOWN_FORCE,
        plugins,
        ...rest,
      });

    const workers: Worker[] = [];
    const ended = new AbortController();
    let keep: VersionKeeperOptions | null = null;
    if (roles.includes('orchestrator')) {
      const bundle = await workflowBundle({
        cacheFolder: options.cacheFolder,
        interceptorModules: options.telemetry.workflowInterceptorModules(),
        failureConverterPath: dataConverter.failureConverterPath,
        logger: temporalLogger(log),
      });
      if (options.rollout !== 'off') {
        const client = new Client({ connection, namespace, dataConverter });
        keep = { client, buildId: await workflowVersion(), rollout: options.rollout, log };
      }
      const running = new RunningBatches();
      observeBatches(() => running.figures());
      const rest = { workflowBundle: bundle, sinks: batchSinks(running), ...(keep && versioned(keep.buildId)) };
      workers.push(await create('orchestrator', rest));
    }
    if (roles.includes('warehouse')) {
      const activities = createPlanActivities({ store, templates, loadCampaign: options.loadCampaign });
      workers.push(await create('warehouse', { activities, maxConcurrentActivityTaskExecutions: 2 }));
    }
    if (roles.includes('storage')) {
      const now = () => new Date().toISOString();
      const consent = new Consent({ manifests, templates, loadCampaign: options.loadCampaign });
      const { temporal, webhooks, prices } = options;
      const uiLink = (query: string) => workflowsUrl(temporal, query);
      const digests = { store, webhooks, uiLink, now: Date.now, log };
      const workflowLink = (workflowId: string) => workflowUrl(temporal, workflowId);
      const alarms = { store, webhooks, links: { uiLink, workflowLink }, now: Date.now, log };
      const watch = { client: new Client({ connection, namespace, dataConverter }), store, now: Date.now };
      const activities = {
        ...createBatchActivities({
          ...{ store, manifests, now, digests, prices, uiLink, alarms },
          lookForNight: (input, signal) => lookForNight(watch, input, signal),
        }),
        ...createPointerActivities({ store, manifests, consent, now }),
      };
      workers.push(await create('storage', { activities, maxConcurrentActivityTaskExecutions: 32 }));
    }
    if (roles.includes('assemble')) {
      const activities = createAssembleActivities({
        store,
        manifests,
        templates,
        scenes,
        failures,
        uploadDirect: options.uploadDirect,
      });
      workers.push(await create('assemble', { activities, maxConcurrentActivityTaskExecutions: 8 }));
    }
    const { uploadDirect } = options;
    if (options.renderer !== null) {
      const started = await startRenderer(options.renderer);
      renderer = started;
      observePool(() => started.poolState);
      const stored = { store, manifests, scenes, failures, uploadDirect };
      const activities = createRenderActivities({ ...stored, renderer, templates, log });
      workers.push(await create('render', { activities, maxConcurrentActivityTaskExecutions: options.renderer.slots }));
    }
    const payloadKey = payloadKeys.encryptWith ?? undefined;
    log.info({ roles, engine: renderer?.fingerprint.digest, buildId: keep?.buildId, payloadKey }, 'worker started');
    onReady();
    await Promise.all([
      runTogether(workers, signal).finally(() => ended.abort()),
      keep === null ? undefined : keepVersion(keep, AbortSignal.any([signal, ended.signal])),
    ]);
    log.info({ roles }, 'worker stopped');
  } finally {
    await renderer?.[Symbol.asyncDispose]();
    if (pinnedFolder !== null) await removeOwned(pinnedFolder);
    await connection.close();
  }
}

/**
 * Workflows stay on the version on which they started, children and runs that continue as new included. Activities are on task queues
 * of their own, which have no versions: a worker of any version takes them.
 */
const versioned = (buildId: string): Partial<WorkerOptions> => ({
  workerDeploymentOptions: {
    version: deploymentVersion(buildId),
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  },
});

async function connect({ connectionOptions }: TemporalTarget): Promise<NativeConnection> {
  const { address, tls, apiKey, metadata } = connectionOptions;
  try {
    const grpcCompression = grpcCompressionFor(address);
    return await NativeConnection.connect({ address, tls, apiKey, metadata, grpcCompression } as Parameters<
      typeof NativeConnection.connect
    >[0]);
  } catch (error) {
    throw connectFailure(address, error);
  }
}

/** A template that cannot be warmed is its author's to mend: it fails its own variants, and browsers start without it. */
async function startRenderer(options: RendererOptions): Promise<Renderer> {
  try {
    return await Renderer.start(options);
  } catch (error) {
    if (!(error instanceof Failure && FAILURES[error.failureClass].actor === 'author')) throw error;
    options.log.warn({ reason: error.message }, 'browsers start without a template');
    return await Renderer.start({ ...options, template: undefined });
  }
}

/** Runs the workers as one: when one dies or the signal comes, all drain; only then what ended them is thrown. */
async function runTogether(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  signal.addEventListener('abort', stop, { once: true });
  const runs = workers.map((worker) => worker.run().finally(stop));
  if (signal.aborted) stop();
  const results = await Promise.allSettled(runs);
  signal.removeEventListener('abort', stop);
  const died = results.find((result) => result.status === 'rejected');
  if (died !== undefined) throw died.reason;
}
