/** What is written down of one failed attempt: a line of the worker's log, and an object in the batch's folder. */

import { z } from 'zod';
import { RENDER_STAGES } from '../../contracts/batch.ts';
import { FAILURES, type FailureClass, isFailureClass } from '../../contracts/failures.ts';
import { RENDITION_IDS } from '../../contracts/video.ts';
import { MESSAGE_LEVELS } from '../../rendering/page/messages.ts';

/** The log's name for such a line; it stays. */
export const FAILED_ATTEMPT = 'render_attempt_failed';

/** Before and beside the stages of a render: reading the plan and the template, joining stored scenes. */
export const FAILED_STAGES = ['prepare', 'join', ...RENDER_STAGES] as const;
export type FailedStage = (typeof FAILED_STAGES)[number];

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

/**
 * No value of a recipient's params is in it: a test looks for that. docs/reference/failure-line.md is written from it; a field that changes
 * its meaning raises the version.
 */
export const failureLineSchema = z.strictObject({
  event: z.literal(FAILED_ATTEMPT).describe('What the log calls such a line.'),
  version: z.literal(1).describe('A field that changes its meaning raises it.'),
  at: z.iso.datetime().describe('When it was written, ISO 8601 UTC.'),
  campaign: z.string().min(1).describe('Such as `referral`.'),
  batch: z.string().min(1).describe('Such as `referral/2026-11-20/1`.'),
  kind: z.enum(['variant', 'scene']).describe('What was being made.'),
  key: hex64.describe('Its key.'),
  page: z.int().min(1).describe('The page of the manifest, or of scenes, that has it.'),
  index: count.describe('Its line there, from 0.'),
  activity: z.enum(['renderVariant', 'assembleVariant', 'renderScene']).describe('What failed.'),
  attempt: z.int().min(1).describe('Which attempt of it, from 1.'),
  willRetry: z.boolean().describe('Whether another one follows by the rules of its class.'),
  workflowId: z.string().min(1).describe('Of the workflow that asked for it.'),
  runId: z.string().min(1).describe('Of its run.'),
  failureClass: z
    .custom<FailureClass>(isFailureClass, `must be one of ${Object.keys(FAILURES).join(', ')}`)
    .meta({ type: 'string' })
    .describe('A [class](../failures.md) says who acts and whether trying again helps.'),
  message: z.string().describe('What happened, and where.'),
  causes: z.array(z.string()).describe('What lies behind it, nearest first; often nothing.'),
  stage: z
    .enum(FAILED_STAGES)
    .describe(
      '`prepare`: plan and template are read. `join`: of stored scenes. `acquire`: a browser is waited for. `upload`: also of what goes up while it is made.',
    ),
  lastFrame: count.nullable().describe('The last frame that was captured, from 0; null: none, or not known.'),
  frameCount: count.nullable().describe('How many the template has; null: not known.'),
  template: z
    .strictObject({
      id: z.string().min(1).describe('Its ID.'),
      digest: hex64.describe('Of all that decides its pixels.'),
    })
    .nullable()
    .describe('As planned; null: the plan could not be read.'),
  rendition: z.enum(RENDITION_IDS).nullable().describe('The batch’s.'),
  plannedEngine: hex64.nullable().describe('Digest of the engine that the batch was planned for.'),
  worker: z
    .strictObject({
      host: z.string().describe('The machine’s name.'),
      pid: z.int().describe('Of the process.'),
      identity: z.string().describe('What Temporal shows.'),
    })
    .describe('Where it failed.'),
  engine: z
    .strictObject({
      digest: hex64.describe('Its fingerprint.'),
      captureRoute: z.string().describe('How frames come from the page.'),
      chromium: z.string().describe('Its version.'),
      ffmpeg: z.string().describe('Its version.'),
      x264: z.string().describe('Its version.'),
    })
    .nullable()
    .describe('Of this worker; null where it does not render.'),
  said: z
    .array(
      z.strictObject({
        level: z.enum(MESSAGE_LEVELS).describe('How grave.'),
        text: z.string().describe('In words that the template’s author wrote.'),
        place: z.string().describe('File, line and column.'),
      }),
    )
    .describe('The last 20 console messages and errors of the template since it got these params.'),
  screenshot: z
    .string()
    .min(1)
    .nullable()
    .describe('Key of the picture; null: there is none. It is written at the same time, so look whether it is there.'),
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable()
    .describe('Of the trace that it belongs to; null where telemetry is off.'),
  reproduce: z.string().min(1).describe('The command line that does the same again.'),
});

export type FailureLine = Readonly<z.infer<typeof failureLineSchema>>;

/** The command that does the same again: the plan's line has the params, and a render of them is the same each time. */
export const reproduceCommand = ({ kind, key, batch }: Pick<FailureLine, 'kind' | 'key' | 'batch'>): string =>
  kind === 'scene'
    ? `nightreel render --scene ${key} --batch ${batch}`
    : `nightreel render --variant ${key} --batch ${batch} --out ${key.slice(0, 12)}.mp4`;
