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

/** Frames, or seconds as text: `"2.4s"`. */
const time = z.union([
  z.int().min(0),
  z.string().regex(/^\d{1,6}(\.\d{1,9})?s$/, 'must be a number of frames or seconds like "2.4s"'),
]);
const paramNames = z.array(z.string().min(1)).default([]);

const schema = z.strictObject({
  $schema: z.string().optional(),
  id: z.string().regex(TEMPLATE_ID, 'must be lower-case letters, digits and dashes'),
  title: z.string().optional(),
  description: z.string().optional(),
  entry: z.string().min(1).default('index.html'),
  width: side,
  height: side,
  fps: z.int().min(1).max(120),
  durationMs: z
    .int()
    .min(1)
    .max(60 * 60 * 1000),
  contract: z.enum(['warm', 'stock']).default('warm'),
  fonts: z
    .array(z.strictObject({ family: z.string().min(1), weights: z.array(z.int().min(1).max(1000)).min(1) }))
    .default([]),
  posterMs: z.int().min(0).optional(),
  /** Parts that are rendered once for all whose `params` are the same; see docs/scenes.md. */
  scenes: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
        start: time,
        duration: time,
        params: paramNames,
      }),
    )
    .min(1)
    .optional(),
  /** Of a template with scenes: the params that its sound depends on. */
  soundtrack: z.strictObject({ params: paramNames }).optional(),
  params: z.record(z.string(), z.unknown()),
  example: z.record(z.string(), z.unknown()),
  placeholder: z.record(z.string(), z.unknown()),
});

export type TemplateFile = z.infer<typeof schema>;

/** Null: not a whole number. Some whole ones are no whole number of milliseconds: 1267 stands for 38 frames, 30 a second. */
export function frameCountOf({ durationMs, fps }: Pick<TemplateFile, 'durationMs' | 'fps'>): number | null {
  const frames = Math.round((durationMs * fps) / 1000);
  return Math.round((frames * 1000) / fps) === durationMs ? frames : null;
}

/** What a parsed template.json says, or everything that is wrong with it. */
export const parseTemplateFile = (value: unknown): z.ZodSafeParseResult<TemplateFile> => schema.safeParse(value);

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
