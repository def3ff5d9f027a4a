/** `nightreel delta`: a night's delta as the plan would read it, counted and shown without anybody's data. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import type { CampaignId } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import { latestPlan } from '../planning/batches.ts';
import { paramsDigest } from '../planning/canonical-params.ts';
import type { DeltaPlan } from '../planning/delta-plan.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { TemplateLibrary } from '../templates/library.ts';
import type { DeltaFlags } from './delta.ts';
import { readTonight } from './tonight.ts';
import { visible } from './visible.ts';

/** Keys need an engine; before the first plan there is none, and they are worth something only among themselves. */
const NO_ENGINE = 'unplanned';
const REASONS_SHOWN = 10;

/** What to print. */
export async function showDelta(
  settings: Settings,
  id: CampaignId,
  { date, source, recipients, samples, people, json }: DeltaFlags,
  signal: AbortSignal,
): Promise<string> {
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const templates = new TemplateLibrary(join(settings.root, 'templates'));
  const engineDigest = (await latestPlan(store, id))?.engine.digest ?? NO_ENGINE;
  const asked = { date, recipients, sourceType: source, engineDigest };
  const started = performance.now();
  const tonight = await readTonight({ settings, store }, id, ({ template }) => templates.read(template), asked, signal);
  const { campaign, night, window } = tonight;
  using delta = tonight.delta;
  const about = {
    campaign: id,
    businessDate: night.businessDate,
    source: tonight.sourceKind,
    strategy: campaign.delta.strategy,
    rule: window.rule,
    since: window.since?.updatedAt ?? null,
    readFrom: window.readFrom?.updatedAt ?? null,
    until: window.until,
    seconds: Math.round(performance.now() - started) / 1000,
  };
  const shown = samplesOf(delta, samples);
  const reasons = reasonsOf(delta);
  if (json === true) {
    const all = peopleOf(delta);
    const report = {
      ...about,
      counts: delta.counts,
      digests: digestsOf(all),
      samples: shown,
      rejects: reasons,
      ...(people === true && { people: all }),
    };
    return `${JSON.stringify(report)}\n`;
  }
  const { counts } = delta;
  const lines = [
    `${id}, night of ${about.businessDate}: ${about.source}, ${about.strategy} (${about.rule})`,
    `  from ${about.readFrom ?? 'the beginning'}${about.readFrom === about.since ? '' : ` (overlap; new after ${about.since})`} to ${about.until}, read in ${about.seconds} s`,
    '',
    ...Object.entries(counts)
      .filter(([name]) => ROW_COUNTS.has(name))
      .map(([name, value]) => `  ${name.padEnd(12)}${String(value).padStart(9)}`),
    ...(shown.length === 0 ? [] : ['', 'Masked samples:']),
    ...shown.map(({ recipientId, params }) => `  ${recipientId}  ${JSON.stringify(params)}`),
    ...(reasons.length === 0 ? [] : ['', 'Rejected:']),
    ...reasons.map(({ reason, path, rows, lines: at }) => {
      return `  ${rows} × ${path === undefined ? '' : `${path} `}${reason} (row ${at.join(', ')}${rows > at.length ? ', …' : ''})`;
    }),
  ];
  return visible(`${lines.join('\n')}\n`);
}

const ROW_COUNTS = new Set([
  'rows',
  'recipients',
  'variants',
  'rejected',
  'duplicates',
  'unchanged',
  'withdrawn',
  'carriedOver',
]);

interface Person {
  readonly recipientId: string;
  readonly paramsDigest: string;
  readonly variantKey: string;
}

/** By recipient ID, so that the order of a source does not matter. */
function peopleOf({ variants }: DeltaPlan): Person[] {
  const people: Person[] = [];
  for (const { key, params, recipients } of variants) {
    const digest = paramsDigest(params);
    for (const recipientId of recipients) people.push({ recipientId, paramsDigest: digest, variantKey: key });
  }
  return people.sort((a, b) => Buffer.compare(Buffer.from(a.recipientId), Buffer.from(b.recipientId)));
}

function digestsOf(people: readonly Person[]) {
  const digest = (texts: Iterable<string>): string => {
    const hash = createHash('sha256');
    for (const text of texts) hash.update(`${JSON.stringify(text)}\n`);
    return hash.digest('hex');
  };
  return {
    recipients: digest(people.map(({ recipientId }) => recipientId)),
    params: digest(people.map(({ recipientId, paramsDigest: of }) => `${recipientId} ${of}`)),
    variants: digest([...new Set(people.map(({ variantKey }) => variantKey))].sort()),
  };
}

/** The first few variants, each with one of its people. */
const samplesOf = ({ variants }: DeltaPlan, count: number) =>
  [...Iterator.from(variants).take(count)].map(({ params, recipients: [first = ''], recipients: { size } }) => ({
    recipientId: masked(first),
    params: maskedParams(params),
    sharedBy: size,
  }));

const maskedParams = (params: Params): Params =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, maskedValue(value)]));

function maskedValue(value: unknown): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return masked(String(value));
  return typeof value === 'string' ? masked(value) : '…';
}

/** The first character stays, so that a column in the wrong place is seen; of the rest, how much there is. */
function masked(text: string): string {
  const [first = '', ...rest] = new Intl.Segmenter().segment(text);
  return `${first === '' ? '' : first.segment}${'•'.repeat(Math.min(rest.length, 12))}`;
}

/** Rejects by reason and place, the most frequent first. */
function reasonsOf({ rejects }: DeltaPlan) {
  const grouped = Map.groupBy(rejects, ({ reason, path = '' }) => `${path}\n${reason}`);
  return [...grouped.values()]
    .map((group) => ({
      reason: group[0]?.reason ?? '',
      path: group[0]?.path,
      rows: group.length,
      lines: group.slice(0, 5).map(({ line }) => line),
    }))
    .sort((a, b) => b.rows - a.rows)
    .slice(0, REASONS_SHOWN);
}
