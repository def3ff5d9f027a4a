/** Which files a render writes, and how: all of them whole, or none. */

import { createHash } from 'node:crypto';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import type { RenditionId } from '../contracts/video.ts';
import { notWritten } from '../local/not-written.ts';

export interface RenderFiles {
  readonly renditions: readonly RenditionId[];
  /** Absolute, one per rendition in their order; none when the videos are not to be kept. */
  readonly videos: readonly string[];
  readonly poster: string | null;
  readonly preview: { readonly path: string; readonly format: 'gif' | 'webp' } | null;
}

export interface WantedFiles {
  readonly out: string | undefined;
  readonly renditions: readonly RenditionId[];
  readonly poster: string | undefined;
  readonly preview: string | undefined;
}

const PLACE = '{rendition}';
const POSTER_ENDINGS = ['.jpg', '.jpeg'];

/** The files that are asked for, or why that cannot be. */
export function renderFiles(wanted: WantedFiles): RenderFiles | { readonly problem: string } {
  const { out, renditions, poster, preview } = wanted;
  if (renditions.length > 1 && out !== undefined && !out.includes(PLACE)) {
    return {
      problem: `with ${renditions.length} renditions, --out must hold ${PLACE}, for example video-${PLACE}.mp4`,
    };
  }
  if (poster !== undefined && !POSTER_ENDINGS.includes(extname(poster).toLowerCase())) {
    return { problem: `--poster writes a JPEG: its name must end with ${POSTER_ENDINGS.join(' or ')}` };
  }
  const ending = preview === undefined ? null : extname(preview).toLowerCase();
  if (ending !== null && ending !== '.gif' && ending !== '.webp') {
    return { problem: '--preview writes an animation: its name must end with .gif or .webp' };
  }
  const videos = out === undefined ? [] : renditions.map((id) => resolve(out.replaceAll(PLACE, id)));
  const files = {
    renditions,
    videos,
    poster: poster === undefined ? null : resolve(poster),
    preview:
      preview === undefined
        ? null
        : { path: resolve(preview), format: ending === '.webp' ? ('webp' as const) : ('gif' as const) },
  };
  const paths = pathsOf(files);
  if (new Set(paths).size < paths.length) return { problem: 'two of the files to write have the same name' };
  return files;
}

/** All that is written. */
export const pathsOf = ({ videos, poster, preview }: RenderFiles): string[] => [
  ...videos,
  ...(poster === null ? [] : [poster]),
  ...(preview === null ? [] : [preview.path]),
];

/** Before anything is rendered: the file can be made there, and nothing but a file would be replaced. */
export async function assertWritable(path: string): Promise<void> {
  const present = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw notWritten(path, error);
  });
  if (present !== null && !present.isFile()) {
    throw new Failure('EnvironmentInvalid', `${path} is there and is not a file; name another one.`);
  }
  const trial = partialOf(path);
  try {
    await writeFile(trial, '');
    await rm(trial);
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/** Writes beside the files and renames when all are there: there is never half a video under its name. */
export async function writeWhole(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  try {
    for (const [path, bytes] of files) await writeFile(partialOf(path), bytes);
    for (const path of files.keys()) await rename(partialOf(path), path);
  } catch (cause) {
    for (const path of files.keys()) await rm(partialOf(path), { force: true });
    throw notWritten([...files.keys()].join(', '), cause);
  }
}

/** A name that is legal wherever the file's own is. */
function partialOf(path: string): string {
  const name = createHash('sha256').update(basename(path)).digest('hex').slice(0, 16);
  return join(dirname(path), `.${name}.${process.pid}.partial`);
}
