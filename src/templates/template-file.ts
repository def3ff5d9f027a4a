/** template.json: what a template says about itself. A HyperFrames composition without one says it in its HTML. */

import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { TEMPLATE_ID } from './template-id.ts';

export const TEMPLATE_FILE = 'template.json';
/** The page of a composition that has no template.json. */
export const COMPOSITION_FILE = 'index.html';

const side = z.int().min(2).max(8192);

const time = z.union([
  z.int().min(0),
  z.string().regex(/^\d{1,6}(\.\d{1,9})?s$/, 'must be a number of frames or seconds like "2.4s"'),
]);
const paramNames = z.array(z.string().min(1)).default([]);
const bag = z.record(z.string(), z.unknown());

const font = z.strictObject({
  family: z.string().min(1).describe('As the `@font-face` rules of the template name it.'),
  weights: z.array(z.int().min(1).max(1000)).min(1).describe('Each of them must have loaded from the template.'),
});

const scene = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('Lower-case letters, digits and dashes; no other scene has it.'),
  start: time.describe(
    'A number counts frames; a text is exact seconds, such as `"2.4s"`. The first scene starts at 0.',
  ),
  duration: time.describe('The same. Scenes follow on each other without gap or overlap, to the last frame.'),
  params: paramNames.describe('What may be seen in it, by name; of every other param it shows the placeholder.'),
});

/** docs/reference/template.md and docs/schemas/template.schema.json are written from it. */
export const templateFileSchema = z.strictObject({
  $schema: z.string().optional().describe('For your editor: the address of template.schema.json.'),
  id: z
    .string()
    .regex(TEMPLATE_ID, 'must be lower-case letters, digits and dashes')
    .describe('Lower-case letters, digits and dashes, 63 at most: the name of its folder.'),
  title: z.string().optional().describe('What people read; the ID where it is left out.'),
  description: z.string().optional().describe('What it shows, in a sentence.'),
  entry: z.string().min(1).default('index.html').describe('The page, relative to the folder.'),
  width: side.describe('Pixels of the page. A rendition scales it, and both sides come out even.'),
  height: side.describe('The same, of its height.'),
  fps: z.int().min(1).max(120).describe('Frames per second.'),
  durationMs: z
    .int()
    .min(1)
    .max(60 * 60 * 1000)
    .describe('How long it lasts, in milliseconds: a whole number of frames.'),
  contract: z
    .enum(['warm', 'stock'])
    .default('warm')
    .describe(
      '`warm`: loaded once, gets everybody’s params by message. `stock`: a HyperFrames composition, loaded afresh for each video.',
    ),
  repaints: z
    .enum(['parts', 'all'])
    .default('parts')
    .describe(
      'How much of the picture most frames change. `all` is cheaper where everything moves, and dearer where little does. Its pixels differ a little.',
    ),
  fonts: z.array(font).default([]).describe('Families without which no video is made (`FontMissing`).'),
  posterMs: z
    .int()
    .min(0)
    .optional()
    .describe('The moment of the poster; without it, the frame with the most sharp detail and the least movement.'),
  scenes: z
    .array(scene)
    .min(1)
    .optional()
    .describe('Parts that are rendered once for all whose `params` are the same. `warm` templates only.'),
  soundtrack: z
    .strictObject({ params: paramNames.describe('Their names; none: it is the same for everybody.') })
    .optional()
    .describe('Of a template with scenes: the params that its sound depends on.'),
  params: bag.describe('JSON Schema, draft 2020-12, of one person’s params: an object.'),
  example: bag.describe('Params that fit the schema: what `render` and `check` take when they get no others.'),
  placeholder: bag.describe(
    'Params that fit the schema: what browsers are warmed with, and what a scene shows of params that are not its own.',
  ),
});

export type TemplateFile = z.infer<typeof templateFileSchema>;

/** Null: not a whole number. Some whole ones are no whole number of milliseconds: 1267 stands for 38 frames, 30 a second. */
export function frameCountOf({ durationMs, fps }: Pick<TemplateFile, 'durationMs' | 'fps'>): number | null {
  const frames = Math.round((durationMs * fps) / 1000);
  return Math.round((frames * 1000) / fps) === durationMs ? frames : null;
}

/** What a parsed template.json says, or everything that is wrong with it. */
export const parseTemplateFile = (value: unknown): z.ZodSafeParseResult<TemplateFile> =>
  templateFileSchema.safeParse(value);

/**
 * What a folder says about its template, and the file that says it: template.json or, where there is none, the HyperFrames
 * composition in index.html. `composition`: that of this file, whatever else there is. Failure `TemplateInvalid` when it
 * cannot be read, or a field is missing, unknown or out of range.
 */
export async function readTemplateFile(
  folder: string,
  composition?: string,
): Promise<{ readonly file: TemplateFile; readonly path: string }> {
  const path = join(folder, TEMPLATE_FILE);
  const entry = composition ?? ((await isThere(path)) ? null : COMPOSITION_FILE);
  if (entry !== null && (await isThere(join(folder, entry)))) {
    // Parses HTML, which nobody needs who has a template.json.
    const { readComposition } = await import('./composition.ts');
    return { file: await readComposition(folder, entry), path: join(folder, entry) };
  }
  return { file: await readDeclared(path), path };
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function readDeclared(path: string): Promise<TemplateFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Failure(
      'TemplateInvalid',
      `${path} cannot be read. A template is a folder with a ${TEMPLATE_FILE}, or with a HyperFrames composition as its ${COMPOSITION_FILE}.`,
      { cause },
    );
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Failure('TemplateInvalid', `${path} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const parsed = parseTemplateFile(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'file'}: ${message}`);
  throw new Failure('TemplateInvalid', `${path}: ${problems.join('; ')}.`);
}
