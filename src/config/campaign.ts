/** Campaign files: `campaigns/<id>.yaml` → a typed, validated, frozen `Campaign`. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { RESULTS, type Results } from '../contracts/batch.ts';
import { asFailure, Failure } from '../contracts/failures.ts';
import { type CampaignId, isCampaignId } from '../contracts/ids.ts';
import { type NightLimits, WHEN_LATE, type WhenLate } from '../contracts/steering.ts';
import { RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import { type DestinationMap, largestOf, renditionsOf } from '../planning/destinations.ts';
import { checkPointerPattern } from '../storage/pointer-keys.ts';
import { WHEN_WITHDRAWN, type WhenWithdrawn } from '../storage/pointers.ts';
import { sourceSchema, type WarehouseSource } from '../warehouse/source.ts';
import { isTimeZone, type NightSchedule, WEEKDAYS } from './business-date.ts';
import { readIfThere } from './read-if-there.ts';

export interface CampaignSchedule extends NightSchedule {
  /** A night that was missed by no more than this is made up for. */
  readonly catchupHours: number;
}

export interface Campaign {
  readonly id: CampaignId;
  readonly title: string;
  /** Name of the folder in `templates/`. */
  readonly template: string;
  readonly source: WarehouseSource;
  /** The one that everyone gets; with destinations, the largest of them. */
  readonly rendition: RenditionId;
  /** Who gets which renditions; absent: everyone the same. */
  readonly destinations?: DestinationMap;
  /** Pattern of a recipient's pointer's key, which storage fills in. */
  readonly pointerKey: string;
  /** What comes before a key where viewers read this campaign's videos; null: where they read all (NIGHTREEL_PUBLIC_URL). */
  readonly publicUrl: string | null;
  readonly lanes: { readonly count: number; readonly window: number };
  /** Where a campaign that has never run begins: with everyone in the source, or with what changed since the night before. */
  readonly firstNight: 'everyone' | 'changes';
  /** `auto`: scenes that the template declares are rendered once for all who share them. `off`: every video is rendered whole. */
  readonly scenes: 'auto' | 'off';
  /** A batch of which more than this share of the rows is rejected fails with `DataQuality`: 0 to 1. */
  readonly rejectLimit: number;
  /** What becomes of the pointer of somebody who is gone or wants no video. */
  readonly whenWithdrawn: WhenWithdrawn;
  /** `parquet`: what became of everyone is written as a table when a batch closes. */
  readonly results: Results;
  /** The batch pauses when of at least so many variants more than this share failed with one class; null: it never does. */
  readonly breaker: NightLimits['breaker'];
  /** When the night's videos are to be there: `HH:MM` in the schedule's time zone, the first after the night began. */
  readonly deadline: { readonly at: string; readonly whenLate: WhenLate } | null;
  readonly schedule: CampaignSchedule;
}

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day like '23:00'");

const renditionList = z
  .array(z.enum(RENDITION_IDS))
  .min(1, 'must name at least one rendition')
  .refine((list) => new Set(list).size === list.length, 'names a rendition twice');

const destinationsSchema = z.strictObject({
  column: z.string().min(1).max(255).describe('Of the table, the query’s result or the file.'),
  renditions: z
    .record(z.string(), renditionList)
    .refine(
      (lists) => !Object.hasOwn(lists, ''),
      'has a destination without a name; for empty cells there is otherwise',
    )
    .refine((lists) => Object.keys(lists).length > 0, 'must have at least one destination')
    .describe('What may stand in the column → what people get there.'),
  otherwise: renditionList
    .optional()
    .describe('For an empty cell or any other value. Without it such rows are rejected.'),
}) satisfies z.ZodType<DestinationMap>;

/** docs/reference/campaign.md and docs/schemas/campaign.schema.json are written from it. */
export const campaignFileSchema = z.strictObject({
  title: z.string().min(1).max(200).describe('What people read.'),
  template: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be the name of a folder in templates/')
    .describe('A folder in `templates/`.'),
  source: sourceSchema.describe('Where recipients come from, below.'),
  rendition: z.enum(RENDITION_IDS).optional().describe('What everyone gets. This, or `destinations`.'),
  destinations: destinationsSchema
    .optional()
    .describe('Who gets which renditions, by a column of the source. This, or `rendition`.'),
  pointerKey: z
    .string()
    .superRefine((pattern, context) => {
      try {
        checkPointerPattern(pattern);
      } catch (error) {
        context.addIssue({ code: 'custom', message: asFailure(error).message });
      }
    })
    .default('users/{recipientId}.json')
    .describe(
      'Object key of the pointer that names a person’s current video. Has `{recipientId}` once, in a folder of its own; may use `{campaign}` and `{hash2}`.',
    ),
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .transform((address) => address.replace(/\/+$/, ''))
    .nullable()
    .default(null)
    .describe(
      'An http or https address: what comes before an object’s key where viewers read this campaign’s videos, such as a CDN. Without it `NIGHTREEL_PUBLIC_URL`.',
    ),
  lanes: z
    .strictObject({
      count: z.int().min(1).max(64).describe('Child workflows that start renders side by side.'),
      window: z
        .int()
        .min(1)
        .max(500)
        .describe('Variants that each of them keeps in flight. Together they should keep all render workers busy.'),
    })
    .default({ count: 2, window: 8 })
    .describe('How much of the batch is in flight at the same time.'),
  firstNight: z
    .enum(['everyone', 'changes'])
    .default('everyone')
    .describe(
      'Where a campaign that never ran begins: with everyone, or with what changed since the scheduled night before.',
    ),
  scenes: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      '`auto`: scenes that the template declares are rendered once for all who share them. `off`: every video is rendered whole.',
    ),
  rejectLimit: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      'A batch of which more than this share of rows is rejected fails (`DataQuality`) before anything is rendered. Batches under 20 rows are let through.',
    ),
  results: z
    .enum(RESULTS)
    .default('none')
    .describe('`parquet`: when a batch closes, what became of everyone is written to `results/` in the bucket.'),
  whenWithdrawn: z
    .enum(WHEN_WITHDRAWN)
    .default('remove')
    .describe('What becomes of the pointer of somebody who is gone or wants no video.'),
  breaker: z
    .union([
      z.literal('off').transform(() => null),
      z.strictObject({
        share: z.number().gt(0).max(1).describe('More than this share, with one failure class.'),
        atLeast: z.int().min(1).default(100).describe('Of at least so many variants.'),
      }),
    ])
    .prefault({ share: 0.05, atLeast: 100 })
    .describe('When so many variants failed that the batch pauses. `off`: never.'),
  deadline: z
    .strictObject({
      at: timeOfDay.describe('`HH:MM` in the schedule’s time zone, the first after the night began. Quote it.'),
      whenLate: z
        .enum(WHEN_LATE)
        .default('finish')
        .describe('At that time: finish late, or stop starting variants and close with what there is.'),
    })
    .nullable()
    .default(null)
    .describe('When the videos are to be there.'),
  schedule: z
    .strictObject({
      days: z
        .array(z.enum(WEEKDAYS))
        .min(1)
        .refine((days) => new Set(days).size === days.length, 'names a day twice')
        .describe('On which evenings a night begins.'),
      at: timeOfDay.describe('`HH:MM` on the wall. Quote it.'),
      timeZone: z
        .string()
        .refine(isTimeZone, 'must be an IANA time zone like America/New_York')
        .describe('An IANA name such as `America/New_York`. The business date is the calendar day there.'),
      catchupHours: z
        .int()
        .min(1)
        .max(168)
        .default(6)
        .describe('A night that was missed by no more than this is made up for.'),
    })
    .describe('When the nights begin.'),
});

const parsedSchema = campaignFileSchema.transform(
  ({ rendition: everyones, destinations, source, ...rest }, context): Omit<Campaign, 'id'> => {
    const refuse = (path: string[], message: string) => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    if (source.columns.destination !== undefined) {
      return refuse(['source', 'columns', 'destination'], 'is named by destinations.column: write it there');
    }
    if (destinations === undefined) {
      if (everyones !== undefined) return { ...rest, source, rendition: everyones };
      return refuse([], 'must have a rendition, which everyone gets, or destinations');
    }
    if (everyones !== undefined)
      return refuse(['destinations'], 'stands beside rendition, which everyone gets; keep one');
    const rendition = largestOf(renditionsOf(destinations)) ?? z.NEVER;
    const columns = { ...source.columns, destination: destinations.column };
    return { ...rest, rendition, destinations, source: { ...source, columns } as WarehouseSource };
  },
);

/** The campaigns in `<root>/campaigns`, by name. */
export async function listCampaigns(root: string): Promise<CampaignId[]> {
  const names = await readdir(join(root, 'campaigns')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new Failure('CampaignInvalid', `the folder campaigns/ cannot be read: ${error.message}`, { cause: error });
  });
  return names
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .filter(isCampaignId)
    .sort();
}

/**
 * Reads and checks `<root>/campaigns/<id>.yaml`. A missing file, YAML that is none, an unknown key or a wrong value
 * throws `Failure('CampaignInvalid')` with the file, the line, the key and what is expected there.
 */
export async function loadCampaign(root: string, id: string): Promise<Campaign> {
  const text = isCampaignId(id) ? await readIfThere(join(root, 'campaigns', `${id}.yaml`)) : null;
  if (text === null || !isCampaignId(id)) {
    const known = await listCampaigns(root);
    const there = known.length === 0 ? 'there are none in campaigns/' : `there are: ${known.join(', ')}`;
    throw new Failure('CampaignInvalid', `no campaign '${id}'; ${there}`);
  }
  return deepFreeze({ id, ...parseCampaign(text, `campaigns/${id}.yaml`) });
}

function parseCampaign(text: string, file: string): Omit<Campaign, 'id'> {
  const lines = new LineCounter();
  // The document is kept, not only its values: it knows on which line each of them stands.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new Failure('CampaignInvalid', `${file} line ${lines.linePos(broken.pos[0]).line}: ${broken.message}`);
  }
  const parsed = parsedSchema.safeParse(document.toJS({ maxAliasCount: 50 }));
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String);
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const line = lineOf(document, lines, unknown === undefined ? path : [...path, unknown]);
    const place = path.length === 0 ? '' : `${path.join('.')}: `;
    return `${file} line ${line}: ${place}${issue.message}`;
  });
  throw new Failure('CampaignInvalid', sentences.join('; '));
}

/** Line of the value at a path, or of the nearest thing around it that exists. */
function lineOf(document: Document, lines: LineCounter, path: readonly string[]): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const at = path.slice(0, depth);
    const node = depth === 0 ? document.contents : document.getIn(at, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
