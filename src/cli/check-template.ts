/** `nightreel check`: everything that is known to be wrong with a template, before ten thousand renders of it. */

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkSource } from '../checking/check-source.ts';
import { measureLines } from '../checking/measures.ts';
import { inOrder, type ReportedFinding, reportJson, reportLines, type WrittenFinding } from '../checking/report.ts';
import { found, PREVENTS_LOADING } from '../checking/rules.ts';
import type { Selection } from '../checking/selection.ts';
import { Failure } from '../contracts/failures.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import { TEMPLATE_FILE } from '../templates/template-file.ts';
import type { CheckFlags } from './check.ts';
import type { Drawn } from './check-drawing.ts';
import { locateTemplate } from './render-input.ts';
import { aboutScenes, sceneLines } from './scene-report.ts';

/** Prints the report; whether there is no error in it. */
export async function checkTemplate(
  name: string,
  flags: CheckFlags,
  { sourceIds, drawnIds }: Selection,
  signal: AbortSignal,
): Promise<boolean> {
  const { folder, page } = await locateTemplate(name);
  const findings: ReportedFinding[] = await checkSource(folder, (id) => sourceIds.includes(id), page);
  const checks = [...sourceIds];
  signal.throwIfAborted();

  const loaded = await loadTemplate(folder, page).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.failureClass !== 'TemplateInvalid') throw error;
    return error;
  });
  const template = loaded instanceof Failure ? null : loaded;
  // Mostly a check of the source has said so, with the line.
  if (loaded instanceof Failure && !findings.some(({ rule }) => PREVENTS_LOADING.includes(rule))) {
    findings.push(found('template-json', { file: TEMPLATE_FILE, line: null }, loaded.message));
  }
  const drawn = template === null ? null : await drawAll(template, flags, drawnIds, signal);
  findings.push(...(drawn?.findings ?? []));
  if (drawn !== null) checks.push(...drawn.checks);

  const written = await writePictures(inOrder(findings), flags.out ?? `check-${template?.id ?? basename(folder)}`);
  const notRun = drawn === null ? drawnIds : [];
  const report = { template: template?.id ?? basename(folder), checks, notRun, findings: written };
  const scenes = drawn?.scenes ?? null;
  const measures = drawn?.measures ?? null;
  const more = [...(scenes === null ? [] : sceneLines(scenes)), ...(measures === null ? [] : measureLines(measures))];
  const lines =
    flags.json === true
      ? [JSON.stringify({ ...reportJson(report), measures, ...(scenes !== null && aboutScenes(scenes)) })]
      : reportLines(report, more);
  for (const line of lines) process.stdout.write(`${line}\n`);
  return !written.some(({ severity }) => severity === 'error');
}

const NOTHING: Drawn = { findings: [], checks: [], scenes: null, measures: null };

/** The engine is loaded when there is something to draw. */
async function drawAll(
  template: Template,
  flags: CheckFlags,
  ids: Selection['drawnIds'],
  signal: AbortSignal,
): Promise<Drawn> {
  if (ids.length === 0 && flags.campaign === undefined) return NOTHING;
  const { draw } = await import('./check-drawing.ts');
  return await draw(template, flags, ids, signal);
}

async function writePictures(findings: readonly ReportedFinding[], folder: string): Promise<WrittenFinding[]> {
  const written: WrittenFinding[] = [];
  for (const { picture, pictureName, ...finding } of findings) {
    const path =
      picture === undefined ? null : join(folder, pictureName ?? `${written.length + 1}-${finding.rule}.png`);
    if (picture !== undefined && path !== null) {
      await mkdir(folder, { recursive: true });
      await writeFile(path, picture);
    }
    written.push({ ...finding, picture: path });
  }
  return written;
}
