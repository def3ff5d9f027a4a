/**
 * What a night of the generated business costs with scenes and without: it is planned whole, a sample of it is rendered, and
 * the rest is calculated from that.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { businessDateOf, nightCalendar } from '../src/config/business-date.ts';
import { loadCampaign } from '../src/config/campaign.ts';
import { type BusinessDate, isBusinessDate, type SceneKey, type VariantKey } from '../src/contracts/ids.ts';
import { type Params, RENDITIONS, type RenditionId } from '../src/contracts/video.ts';
import { planDelta } from '../src/planning/delta-plan.ts';
import type { MeasuredCosts } from '../src/planning/estimate.ts';
import type { PlannedVariant } from '../src/planning/planned-variants.ts';
import { partsOf } from '../src/planning/scene-key.ts';
import { planScenes } from '../src/planning/scene-plan.ts';
import { variantKeyOf } from '../src/planning/variant-key.ts';
import { machineSize, slotsFor } from '../src/rendering/browser/sizing.ts';
import { joinScenes } from '../src/rendering/join.ts';
import type { RenderedScene, Renderer } from '../src/rendering/renderer.ts';
import type { Template } from '../src/templates/template.ts';
import { ensureGeneratedWarehouse } from '../src/warehouse/generated/duckdb.ts';
import { openWarehouse } from '../src/warehouse/index.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { openPage, ROOT, renderOne, startRenderer } from './engine.ts';
import { noteMachine } from './machine.ts';
import { rounded } from './statistics.ts';
import { measure } from './usage.ts';

export interface NightOptions extends BenchContext {
  /** People of each night. */
  readonly recipients: number;
  /** Variants that are rendered, joined and rendered whole for the costs. */
  readonly sample: number;
}

/** Of one night. Processor time is that of rendering, checking and joining, all processes together. */
export interface NightFigures {
  readonly recipients: number;
  /** Different videos that are not stored. */
  readonly variants: number;
  readonly sceneSlots: number;
  readonly distinctScenes: number;
  readonly storedScenes: number;
  readonly cpuSecondsPerRecipient: number;
  readonly cpuSecondsPerRecipientWholeRender: number;
  /** The one in the other. */
  readonly ratio: number;
  readonly estimatedNightHoursHere: number;
}

/** Two business dates in a row of the campaign. */
export const NIGHTS = ['2026-11-19', '2026-11-20'].filter(isBusinessDate);
/** The engine is the same for all that is counted here, whatever it is. */
const ENGINE = 'bench';

export async function run(options: NightOptions): Promise<BenchResult> {
  const { signal, progress, recipients, sample } = options;
  await noteMachine(progress, signal);
  progress.expect(NIGHTS.length + 4 * sample + 1);
  const template = await openPage('referral');
  const { rendition } = await loadCampaign(ROOT, 'referral');
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-night-'));
  try {
    const nights: (readonly PlannedVariant[])[] = [];
    for (const date of NIGHTS) {
      progress.step(`generating and reading the night of ${date}`);
      nights.push(await variantsOf(template, rendition, { path: join(folder, 'w.duckdb'), date, recipients }, signal));
    }
    const [first = [], second = []] = nights;
    const costs = await measureCosts(template, rendition, spread(first, sample), options);
    const known = await storedAfter(template, rendition, first);
    const empty = { scenes: new Set<SceneKey>(), variants: new Set<VariantKey>() };
    const one = await figuresOf(template, rendition, first, empty, costs, signal);
    const two = await figuresOf(template, rendition, second, known, costs, signal);
    const sampled = {
      variants: sample,
      cpuMsPerScene: Object.fromEntries(Object.entries(costs.scenes).map(([id, ms]) => [id, rounded(ms, 0)])),
      cpuMsPerJoin: rounded(costs.join),
      cpuMsPerWholeRender: rounded(costs.whole, 0),
    };
    const rows = [one, two].map((figures, index) => ({ night: index === 0 ? 'first' : 'second', ...figures }));
    return { rows, json: { ...one, second: two, rendition, sample: sampled } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface GeneratedNight {
  /** Of the DuckDB file that the business is kept in. */
  readonly path: string;
  readonly date: BusinessDate;
  readonly recipients: number;
}

/** Different videos of a generated night. */
export async function variantsOf(
  template: Template,
  rendition: RenditionId,
  night: GeneratedNight,
  signal: AbortSignal,
): Promise<readonly PlannedVariant[]> {
  const { schedule, source } = await loadCampaign(ROOT, 'referral');
  const asOf = new Date(`${night.date}T23:59:00-05:00`).toISOString();
  await ensureGeneratedWarehouse({ path: night.path, businessDate: night.date, asOf });
  const calendar = nightCalendar(businessDateOf(asOf, schedule.timeZone), asOf, schedule);
  await using reader = openWarehouse(source, { defaultDuckDbPath: night.path, paramsSchema: template.paramsSchema });
  const range = { since: { updatedAt: calendar.previousNight, recipientId: null }, until: calendar.night };
  using delta = await planDelta({
    rows: reader.readChanges(range, signal),
    range,
    ordered: true,
    end: null,
    validateParams: (params) => template.validateParams(params),
    keyOf: keyWith(template, rendition),
    recipientLimit: night.recipients,
  });
  return [...delta.variants].map((variant) => ({ ...variant, recipients: new Set(variant.recipients) }));
}

const keyWith = (template: Template, rendition: RenditionId) => (params: Params) =>
  variantKeyOf({ engineDigest: ENGINE, templateDigest: template.digest, params, rendition, assembly: 'scenes' });

interface Stored {
  readonly scenes: ReadonlySet<SceneKey>;
  readonly variants: ReadonlySet<VariantKey>;
}

async function storedAfter(
  template: Template,
  rendition: RenditionId,
  variants: readonly PlannedVariant[],
): Promise<Stored> {
  const identity = { engineDigest: ENGINE, template, rendition };
  const scenes = variants.flatMap(({ params }) => partsOf(identity, params).map(({ key }) => key));
  return { scenes: new Set(scenes), variants: new Set(variants.map(({ key }) => key)) };
}

async function figuresOf(
  template: Template,
  rendition: RenditionId,
  all: readonly PlannedVariant[],
  stored: Stored,
  costs: MeasuredCosts,
  signal: AbortSignal,
): Promise<NightFigures> {
  const identity = { engineDigest: ENGINE, template, rendition };
  const variants = all.filter(({ key }) => !stored.variants.has(key));
  const { counts } = await planScenes(
    {
      variants: variants.map(({ params }) => params),
      partsOf: (params) => partsOf(identity, params),
      isStored: async (key) => stored.scenes.has(key),
    },
    signal,
  );
  const made = new Set(stored.scenes);
  let scenesMs = 0;
  for (const { key, scene } of variants.flatMap(({ params }) => partsOf(identity, params))) {
    if (made.has(key)) continue;
    made.add(key);
    scenesMs += scene === null ? 0 : (costs.scenes[scene.id] ?? Number.NaN);
  }
  const recipients = all.reduce((sum, variant) => sum + variant.recipients.size, 0);
  const withScenes = scenesMs + variants.length * costs.join;
  const whole = variants.length * costs.whole;
  return {
    recipients,
    variants: variants.length,
    sceneSlots: counts.sceneSlots,
    distinctScenes: counts.distinctScenes,
    storedScenes: counts.storedScenes,
    cpuSecondsPerRecipient: rounded(withScenes / 1000 / recipients, 3),
    cpuSecondsPerRecipientWholeRender: rounded(whole / 1000 / recipients, 3),
    ratio: rounded(whole / withScenes),
    estimatedNightHoursHere: rounded((withScenes * costs.wallShare) / 3_600_000, 2),
  };
}

type Sampled = Pick<PlannedVariant, 'params' | 'videos'>;

/** Renders the sample's scenes, joins them, and renders the same videos whole. */
export async function measureCosts(
  template: Template,
  rendition: RenditionId,
  sample: readonly Sampled[],
  { signal, progress }: BenchContext,
): Promise<MeasuredCosts> {
  const slots = slotsFor(machineSize());
  await using renderer = await startRenderer(template, slots);
  progress.step('warming up');
  await renderOne(renderer, { template, rendition }, signal);
  const scenes = new Map<string, number>();
  const [joins, wholes]: [number[], number[]] = [[], []];
  for (const [index, { params, videos }] of sample.entries()) {
    const of = `${index + 1} of ${sample.length}`;
    progress.step(`scenes of video ${of}`);
    const rendered: RenderedScene[] = [];
    for (const { scene, params: own } of partsOf({ engineDigest: ENGINE, template, rendition }, params)) {
      if (scene === null) continue;
      const request = { template, params: own, rendition: RENDITIONS[rendition], scene };
      const { value, cpuMs } = await measure(() => renderer.renderScene(request, { signal }));
      rendered.push(value);
      scenes.set(scene.id, (scenes.get(scene.id) ?? 0) + cpuMs / sample.length);
    }
    progress.step(`joining video ${of}`);
    joins.push(rendered.length === 0 ? 0 : await joinMs(template, rendition, rendered));
    progress.step(`video ${of} whole`);
    const [first = RENDITIONS[rendition], ...scaled] = (videos ?? []).map((video) => RENDITIONS[video.rendition]);
    const request = { template, params, renditions: [first, ...scaled] as const };
    wholes.push((await measure(() => renderer.renderLadder(request, { signal }))).cpuMs);
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const wallShare = await busyWallShare(renderer, { template, rendition, sample, slots }, signal, () =>
    progress.step('side by side'),
  );
  return { scenes: Object.fromEntries(scenes), join: mean(joins), whole: mean(wholes), wallShare };
}

/** Times that a join is repeated for its figure: one takes a few ms. */
const JOINS = 50;

async function joinMs(template: Template, rendition: RenditionId, scenes: readonly RenderedScene[]): Promise<number> {
  const join = () => joinScenes({ template, rendition: RENDITIONS[rendition], scenes, soundtrack: null });
  for (let index = 0; index < JOINS; index += 1) await join();
  const before = process.cpuUsage();
  for (let index = 0; index < JOINS; index += 1) await join();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / JOINS;
}

interface SideBySide {
  readonly template: Template;
  readonly rendition: RenditionId;
  readonly sample: readonly Sampled[];
  readonly slots: number;
}

/** Wall time for each ms of processor time when every slot is busy. */
async function busyWallShare(
  renderer: Renderer,
  { template, rendition, sample, slots }: SideBySide,
  signal: AbortSignal,
  onRound: () => void,
): Promise<number> {
  let [wall, cpu] = [0, 0];
  for (const { params } of sample) {
    onRound();
    const parts = partsOf({ engineDigest: ENGINE, template, rendition }, params).filter(({ scene }) => scene !== null);
    const { wallMs, cpuMs } = await measure(() =>
      Promise.all(
        Array.from({ length: slots }, async () => {
          if (parts.length === 0) await renderOne(renderer, { template, params, rendition }, signal);
          for (const { scene, params: own } of parts) {
            if (scene === null) continue;
            const request = { template, params: own, rendition: RENDITIONS[rendition], scene };
            await renderer.renderScene(request, { signal });
          }
        }),
      ),
    );
    wall += wallMs;
    cpu += cpuMs;
  }
  return wall / cpu;
}

/** So many of a list, at equal distances. */
const spread = <Item>(items: readonly Item[], count: number): Item[] =>
  Array.from({ length: Math.min(count, items.length) }, (_, index) => {
    return items[Math.floor((index * items.length) / Math.min(count, items.length))] as Item;
  });
