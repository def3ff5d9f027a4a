/** What a night of so many videos in so many hours takes, from measured figures: the tables of docs/deploy.md. Pure. */

import { SHARED_BYTES, SLOT_BYTES } from '../../src/rendering/browser/sizing.ts';
import { rounded } from '../statistics.ts';
import { historyBytesOf } from './compare.ts';
import { footprintOf } from './model.ts';
import { busyShare, RENDER_CPU_SECONDS, VARIANTS_PER_RECIPIENT } from './paper.ts';

/** Processors of a machine or pod that renders: one slot each. */
export const MACHINE_CORES = 4;
/** For what is tried again, and for a machine that is slower than the measured one by a fifth. */
export const SPARE = 1.25;
/** `bench orchestration`: processor time of a variant whose render costs nothing, and whose it is. */
const ORCHESTRATION_MS = { all: 51, server: 0.66, orchestrator: 0.27 };
const WINDOW = 25;
/** What KEDA must see waiting for each machine, on top of what it renders: docs/kubernetes.md. */
const WAITING = 1;

export interface Sizing {
  /** Processors that render: of videos that are rendered whole, and where scenes are shared. */
  readonly renderCores: { readonly whole: number; readonly scenes: number };
  /** Machines or pods of `MACHINE_CORES`, videos whole. */
  readonly machines: number;
  /** Lanes of `window` that keep all of them busy. */
  readonly lanes: { readonly count: number; readonly window: number };
  /** Processors of all workers that run workflows, and of Temporal's server; its database comes on top. */
  readonly orchestratorCores: number;
  readonly temporalCores: number;
  /** What one night leaves in Temporal's histories. */
  readonly historyGb: number;
}

/** Memory of a machine that renders, browsers and worker; what lies in its /dev/shm and /tmp is in it. */
export const MACHINE_BYTES = SHARED_BYTES + MACHINE_CORES * SLOT_BYTES;

export function sizing(variants: number, hours: number): Sizing {
  const cores = (cpuSeconds: number): number => Math.ceil((variants * cpuSeconds * SPARE) / (hours * 3600));
  const whole = cores(RENDER_CPU_SECONDS.whole);
  const machines = Math.ceil(whole / MACHINE_CORES);
  const wanted = machines * (MACHINE_CORES + WAITING);
  const lanes = { count: Math.ceil(wanted / (WINDOW * busyShare(WINDOW))), window: WINDOW };
  const recipients = Math.round(variants / VARIANTS_PER_RECIPIENT);
  const footprint = footprintOf({ variants, recipients, stored: 0, lanes });
  const orchestration = (share: number): number => cores((ORCHESTRATION_MS.all * share) / 1000);
  return {
    renderCores: { whole, scenes: cores(RENDER_CPU_SECONDS.scenesPerRecipient / VARIANTS_PER_RECIPIENT) },
    machines,
    lanes,
    orchestratorCores: orchestration(ORCHESTRATION_MS.orchestrator),
    temporalCores: orchestration(ORCHESTRATION_MS.server),
    historyGb: rounded(historyBytesOf(footprint) / 1e9, 2),
  };
}
