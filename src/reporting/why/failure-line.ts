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

/** No value of a recipient's params is in it: a test looks for that. docs/why.md describes each field. */
export const failureLineSchema = z.strictObject({
  event: z.literal(FAILED_ATTEMPT),
  version: z.literal(1),
  at: z.iso.datetime(),
  campaign: z.string().min(1),
  batch: z.string().min(1),
  kind: z.enum(['variant', 'scene']),
  key: hex64,
  page: z.int().min(1),
  index: count,
  activity: z.enum(['renderVariant', 'assembleVariant', 'renderScene']),
  attempt: z.int().min(1),
  willRetry: z.boolean(),
  workflowId: z.string().min(1),
  runId: z.string().min(1),
  failureClass: z.custom<FailureClass>(isFailureClass, `must be one of ${Object.keys(FAILURES).join(', ')}`),
  message: z.string(),
  causes: z.array(z.string()),
  stage: z.enum(FAILED_STAGES),
  lastFrame: count.nullable(),
  frameCount: count.nullable(),
  template: z.strictObject({ id: z.string().min(1), digest: hex64 }).nullable(),
  rendition: z.enum(RENDITION_IDS).nullable(),
  plannedEngine: hex64.nullable(),
  worker: z.strictObject({ host: z.string(), pid: z.int(), identity: z.string() }),
  engine: z
    .strictObject({
      digest: hex64,
      captureRoute: z.string(),
      chromium: z.string(),
      ffmpeg: z.string(),
      x264: z.string(),
    })
    .nullable(),
  said: z.array(z.strictObject({ level: z.enum(MESSAGE_LEVELS), text: z.string(), place: z.string() })),
  screenshot: z.string().min(1).nullable(),
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  reproduce: z.string().min(1),
});

export type FailureLine = Readonly<z.infer<typeof failureLineSchema>>;

/** The command that does the same again: the plan's line has the params, and a render of them is the same each time. */
export const reproduceCommand = ({ kind, key, batch }: Pick<FailureLine, 'kind' | 'key' | 'batch'>): string =>
  kind === 'scene'
    ? `nightreel render --scene ${key} --batch ${batch}`
    : `nightreel render --variant ${key} --batch ${batch} --out ${key.slice(0, 12)}.mp4`;
