/** `nightreel estimate`: tonight's delta, a sample rendered here, and the sum of it. */

import { join } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import { measureCosts } from '../../bench/night.ts';
import { createProgress } from '../../bench/progress.ts';
import { loadCampaign } from '../config/campaign.ts';
import { readCapture } from '../config/capture.ts';
import type { Settings } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { type Estimate, estimateNight, type Way } from '../planning/estimate.ts';
import type { PlannedVariant } from '../planning/planned-variants.ts';
import { scenesOf } from '../planning/read-night.ts';
import { saveEstimate } from '../planning/saved-estimate.ts';
import { storedRanks } from '../planning/stored-videos.ts';
import { Renderer } from '../rendering/renderer.ts';
import { money } from '../reporting/format.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { TemplateLibrary } from '../templates/library.ts';
import type { EstimateFlags } from './estimate.ts';
import { durationText } from './progress.ts';
import { readTonight } from './tonight.ts';
import { warningsOnly } from './warnings-only.ts';

interface Night {
  readonly campaign: string;
  readonly businessDate: string;
  readonly recipients: number;
  readonly rejected: number;
  readonly variants: number;
  readonly cached: number;
  readonly sceneSlots: number;
  readonly distinctScenes: number;
  readonly storedScenes: number;
}

/** What to print. */
export async function estimateCampaign(
  settings: Settings,
  id: CampaignId,
  flags: EstimateFlags,
  signal: AbortSignal,
): Promise<string> {
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const { schedule, template: folder } = await loadCampaign(settings.root, id);
  const template = await new TemplateLibrary(join(settings.root, 'templates')).read(folder);
  const engine = await engineHere(template, signal);
  const asked = { date: flags.date, recipients: flags.recipients, engineDigest: engine.digest };
  const tonight = await readTonight({ settings, store }, id, async () => template, asked, signal);
  const { campaign, night, asOf, assembly } = tonight;
  using delta = tonight.delta;
  const { variants } = delta;
  const { rendition } = campaign;
  const { stored, storedCount } = await storedRanks(store, variants, rendition, signal);
  const looked = { template, rendition, assembly, engineDigest: engine.digest, variants, stored };
  const scenes = await scenesOf(store, looked, signal);
  const missing: Pick<PlannedVariant, 'params' | 'videos'>[] = [];
  for (let rank = 0; rank < variants.size && missing.length < flags.sample; rank += 1) {
    if (stored[rank] === 0) missing.push(variants.at(rank));
  }
  const sample = missing.length === 0 ? [{ params: template.example }] : missing;

  const costs = await (async () => {
    using progress = createProgress(process.stderr);
    progress.expect(4 * sample.length + 1);
    // Without scenes there is nothing to be measured of them.
    const measured = assembly === 'scenes' ? template : { ...template, scenes: [] };
    return await measureCosts(measured, rendition, sample, { signal, progress });
  })();
  const missingScenes: Record<string, number> = {};
  for (const { scene } of scenes.missing()) {
    if (scene !== null) missingScenes[scene.id] = (missingScenes[scene.id] ?? 0) + 1;
  }
  const { frameCount, durationMs } = template;
  const size = { variants: variants.size - storedCount, missingScenes, frameCount, durationMs };
  const start = new Date(Math.max(Date.parse(night.night), Date.parse(asOf))).toISOString();
  const estimate = estimateNight(size, costs, {
    workers: flags.workers,
    pricePerCpuHour: flags.cpuPrice ?? settings.prices.vcpuHour,
    start,
    deadline: flags.deadline === undefined ? null : nextAt(start, flags.deadline, schedule.timeZone),
  });
  const about: Night = {
    campaign: id,
    businessDate: night.businessDate,
    recipients: delta.counts.recipients,
    rejected: delta.counts.rejected,
    variants: variants.size,
    cached: storedCount,
    sceneSlots: scenes.counts.sceneSlots,
    distinctScenes: scenes.counts.distinctScenes,
    storedScenes: scenes.counts.storedScenes,
  };
  if (flags.save === true) {
    const { cpuHours } = estimate.scenes ?? estimate.whole;
    const saved = { at: asOf, variants: size.variants, cpuSeconds: cpuHours * 3_600 };
    await saveEstimate(store, { campaign: id, businessDate: night.businessDate, ...saved }, signal);
  }
  const { currency } = settings.prices;
  if (flags.json === true) {
    return `${JSON.stringify({ ...about, workers: flags.workers, currency, sample: sample.length, costs, ...estimate })}\n`;
  }
  return textOf(about, estimate, { workers: flags.workers, currency });
}

/** What decides which videos and scenes count as stored: the engine of workers like this machine. */
async function engineHere(template: Parameters<typeof Renderer.start>[0]['template'], signal: AbortSignal) {
  await using renderer = await Renderer.start({
    ...{ tools: findTools(), capture: readCapture(), slots: 1, log: warningsOnly, signal },
    ...(template && { template }),
  });
  return renderer.fingerprint;
}

/** The first moment after `start` at which a wall clock in the time zone shows `time`. */
function nextAt(start: string, time: string, timeZone: string): string {
  const from = Temporal.Instant.from(start).toZonedDateTimeISO(timeZone);
  const sameDay = from.withPlainTime(time);
  const next = Temporal.ZonedDateTime.compare(sameDay, from) > 0 ? sameDay : sameDay.add({ days: 1 });
  return next.toInstant().toString();
}

function textOf(
  night: Night,
  { scenes, whole, saving, warnings }: Estimate,
  { workers, currency }: { readonly workers: number; readonly currency: string },
): string {
  const made = night.variants - night.cached;
  const machines = workers === 1 ? 'one machine like this' : `${workers} machines like this`;
  const way = (name: string, { cpuHours, wallHours, money: costs, ends, inTime }: Way): string => {
    const facts = [
      `${cpuHours.toFixed(2)} CPU-hours`,
      `${durationText(wallHours * 3_600_000)} on ${machines}`,
      `costs ${money(costs, currency)}`,
      `done by ${ends.slice(0, 16)}Z${inTime === null ? '' : inTime ? ', in time' : ', TOO LATE'}`,
    ];
    return `  ${name.padEnd(8)} ${facts.join(', ')}`;
  };
  const lines = [
    `${night.campaign}, night of ${night.businessDate}: ${night.recipients} recipients (${night.rejected} rejected), ${night.variants} variants, ${night.cached} already stored, ${made} to make`,
    ...(scenes === null
      ? []
      : [
          `  ${night.sceneSlots} scenes in them, ${night.distinctScenes} different, ${night.storedScenes} of these already stored`,
        ]),
    ...(scenes === null ? [] : [way('scenes', scenes)]),
    way('whole', whole),
    ...(saving === null ? [] : [`  Scenes save a factor of ${saving.toFixed(1)}.`]),
    ...warnings.map((warning) => `  Warning: ${warning}`),
  ];
  return `${lines.join('\n')}\n`;
}
