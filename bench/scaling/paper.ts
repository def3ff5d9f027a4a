/** Nights that no machine here has seen, on paper. Pure. */

import { CHILDREN_PER_RUN } from '../../src/workflows/variant-lane.ts';
import { rounded } from '../statistics.ts';
import { historyBytesOf } from './compare.ts';
import { actionsOf, callsOf, type Footprint, footprintOf, type Night, objectsOf, requestsOf } from './model.ts';

/** `bench night`: 5,000 people of the generated business had 3,307 different videos on their first night. */
export const VARIANTS_PER_RECIPIENT = 3307 / 5000;
/** From 23:00 to an hour before a deadline at 06:00. */
export const NIGHT_SECONDS = 6 * 3600;
/** `bench night`, `phone-720p`, 12 s: of a whole video, and of a recipient where scenes are shared. */
export const RENDER_CPU_SECONDS = { whole: 8.4, scenesPerRecipient: 0.75 };
/** One write of a workflow's state, which holds its shard: what a database of several nodes takes. An assumption. */
const WRITE_MS = 5;
/** Share of a shard's time above which writes queue up noticeably. An assumption. */
const SHARD_SHARE = 0.2;

/** People, and the lanes that keep enough renders in flight for the cores that they need in `NIGHT_SECONDS`. */
export const SCALES = [
  { recipients: 10_000, lanes: { count: 2, window: 8 } },
  { recipients: 100_000, lanes: { count: 4, window: 25 } },
  { recipients: 1_000_000, lanes: { count: 16, window: 25 } },
  { recipients: 10_000_000, lanes: { count: 40, window: 100 } },
] as const;

export const nightOf = ({ recipients, lanes }: Pick<Night, 'recipients' | 'lanes'>): Night => ({
  ...{ recipients, lanes, stored: 0 },
  variants: Math.round(recipients * VARIANTS_PER_RECIPIENT),
});

export interface PaperNight extends Omit<Footprint, 'maxLaneEvents'> {
  readonly recipients: number;
  readonly variants: number;
  readonly lanes: Night['lanes'];
  readonly variantsPerSecond: number;
  /** At a task for each wake: no run can have more. */
  readonly maxLaneEvents: number;
  readonly historyGb: number;
  readonly transitionsPerSecond: number;
  readonly callsPerSecond: number;
  readonly cloudActions: number;
  readonly cloudActionsPerSecond: number;
  /** A power of two that keeps a shard busy for at most a fifth of the time. */
  readonly historyShards: number;
  readonly renderCoresWhole: number;
  readonly renderCoresScenes: number;
  /** Renders in flight, while runs of lanes that end drain. */
  readonly inFlight: number;
  readonly objects: number;
  readonly requestsPutList: number;
  readonly requestsGetHead: number;
}

export function paperNight(scale: Pick<Night, 'recipients' | 'lanes'>): PaperNight {
  const night = nightOf(scale);
  const footprint = footprintOf(night);
  const { count, window } = night.lanes;
  const cores = Math.ceil((night.variants * RENDER_CPU_SECONDS.whole) / NIGHT_SECONDS);
  const { put, list, get, head } = requestsOf(night, footprint, { readers: Math.ceil(cores / 16) });
  const perSecond = (total: number): number => rounded(total / NIGHT_SECONDS);
  return {
    ...footprint,
    ...{ recipients: night.recipients, variants: night.variants, lanes: night.lanes },
    maxLaneEvents: footprintOf(night, 1).maxLaneEvents,
    variantsPerSecond: perSecond(footprint.made),
    historyGb: rounded(historyBytesOf(footprint) / 1e9, 2),
    transitionsPerSecond: perSecond(footprint.transitions),
    callsPerSecond: perSecond(callsOf(footprint)),
    cloudActions: actionsOf(footprint),
    cloudActionsPerSecond: perSecond(actionsOf(footprint)),
    historyShards: powerOfTwo((perSecond(footprint.transitions) * WRITE_MS) / 1000 / SHARD_SHARE),
    renderCoresWhole: cores,
    renderCoresScenes: Math.ceil((night.recipients * RENDER_CPU_SECONDS.scenesPerRecipient) / NIGHT_SECONDS),
    inFlight: Math.floor(count * window * busyShare(window)),
    objects: objectsOf(night, footprint),
    requestsPutList: put + list,
    requestsGetHead: get + head,
  };
}

/** A run works off its children in waves of a window, and the last wave has nothing behind it. */
export const busyShare = (window: number): number => CHILDREN_PER_RUN / (CHILDREN_PER_RUN + window);

const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
