/** What a template costs by its size alone: its folder, its pictures, its length. */

import sharp from 'sharp';
import { LONG_MS } from '../../planning/estimate.ts';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { TemplateSource } from '../source/template-source.ts';
import { bytesOf, targetOf } from './addresses.ts';
import type { StaticCheck } from './static-check.ts';

const MIB = 1024 * 1024;
const FOLDER_BYTES = 32 * MIB;
/** Times as large as the page, in both directions: a row of still pictures is long in one. */
const TIMES = 2;
const NIGHT = 10_000;
/** Of one processor, for a 1080p frame in full motion, encoded; docs/performance.md. */
const FRAME_MS = 35;

export const size: StaticCheck = {
  id: 'size',
  run: async (source) => [...folderOf(source), ...(await picturesOf(source)), ...lengthOf(source)],
};

function folderOf({ files }: TemplateSource): Finding[] {
  const bytes = files.values().reduce((sum, file) => sum + file.byteLength, 0);
  if (bytes <= FOLDER_BYTES) return [];
  const [largest, content] = [...files].reduce((most, one) => (one[1].byteLength > most[1].byteLength ? one : most));
  const what = `The folder has ${inMib(bytes)}; the largest file is '${largest}' with ${inMib(content.byteLength)}.`;
  return [found('folder-size', { file: largest, line: null }, what)];
}

const inMib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

async function picturesOf({ references, files, declared }: TemplateSource): Promise<Finding[]> {
  if (declared === null) return [];
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const reference of references) {
    const { use, address, base, place } = reference;
    if (use !== 'picture' || seen.has(`${base} ${address}`)) continue;
    seen.add(`${base} ${address}`);
    const target = targetOf(reference);
    const bytes = bytesOf(target, files);
    const size = bytes === undefined ? null : await sizeOf(bytes);
    if (size === null || size.width <= TIMES * declared.width || size.height <= TIMES * declared.height) continue;
    const which = target.kind === 'file' ? `'${target.path}'` : 'The embedded picture';
    const what = `${which} has ${size.width} × ${size.height} pixels, the page ${declared.width} × ${declared.height}.`;
    findings.push(found('picture-size', place, what));
  }
  return findings;
}

/** From its header; null for what is drawn in any size, is empty, or is no picture. */
async function sizeOf(bytes: Uint8Array): Promise<{ readonly width: number; readonly height: number } | null> {
  if (bytes.byteLength === 0) return null;
  const about = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => null);
  return about === null || about.format === 'svg' ? null : { width: about.width, height: about.height };
}

function lengthOf({ declared, declaration, entry }: TemplateSource): Finding[] {
  if (declared === null || declared.durationMs < LONG_MS) return [];
  const frames = Math.round((declared.durationMs * declared.fps) / 1000);
  const pixels = (declared.width * declared.height) / (1920 * 1080);
  const hours = ((NIGHT * frames * FRAME_MS * pixels) / 3_600_000).toFixed(1);
  const what = `The video lasts ${declared.durationMs / 1000} s, ${frames} frames: ten thousand take about ${hours} hours of one processor in its own size, where no scene is shared.`;
  const root = entry?.elements.find(({ attributes }) => attributes.has('data-composition-id'));
  const place = declaration?.placeOf(['durationMs']) ??
    root?.placeOf('data-duration') ?? { file: declared.entry, line: null };
  return [found('long-form', place, what)];
}
