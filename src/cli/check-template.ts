/** `nightreel check`: everything that is known to be wrong with a template, before ten thousand renders of it. */

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkDrawn } from '../checking/check-drawn.ts';
import { checkSource } from '../checking/check-source.ts';
import { RENDERED_CHECKS } from '../checking/rendered/index.ts';
import { inOrder, type ReportedFinding, reportJson, reportLines, type WrittenFinding } from '../checking/report.ts';
import { found, PREVENTS_LOADING } from '../checking/rules.ts';
import { SCENES, type Selection } from '../checking/selection.ts';
import { readCapture } from '../config/capture.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import { RENDITIONS } from '../contracts/video.ts';
import { Renderer } from '../rendering/renderer.ts';
import { loadTemplate, type Template } from '../templates/template.ts';
import { TEMPLATE_FILE } from '../templates/template-file.ts';
import type { CheckFlags } from './check.ts';
import { aboutScenes, type ProvenScenes, proveDeclared, sceneLines, sceneSamples } from './check-scenes.ts';
import { findTemplate } from './render-input.ts';
import { warningsOnly } from './warnings-only.ts';

/** Prints the report; whether there is no error in it. */
export async function checkTemplate(
  name: string,
  flags: CheckFlags,
  { sourceIds, drawnIds }: Selection,
  signal: AbortSignal,
): Promise<boolean> {
  const folder = await findTemplate(name);
  const findings: ReportedFinding[] = await checkSource(folder, (id) => sourceIds.includes(id));
  const checks = [...sourceIds];
  signal.throwIfAborted();

  const loaded = await loadTemplate(folder).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.failureClass !== 'TemplateInvalid') throw error;
    return error;
  });
  const template = loaded instanceof Failure ? null : loaded;
  // Mostly a check of the source has said so, with the line.
  if (loaded instanceof Failure && !findings.some(({ rule }) => PREVENTS_LOADING.includes(rule))) {
    findings.push(found('template-json', { file: TEMPLATE_FILE, line: null }, loaded.message));
  }
  const drawn = template === null ? null : await draw(template, flags, drawnIds, signal);
  findings.push(...(drawn?.findings ?? []));
  if (drawn !== null) checks.push(...drawn.checks);

  const written = await writePictures(inOrder(findings), flags.out ?? `check-${template?.id ?? basename(folder)}`);
  const notRun = drawn === null ? drawnIds : [];
  const report = { template: template?.id ?? basename(folder), checks, notRun, findings: written };
  const scenes = drawn?.scenes ?? null;
  const more = scenes === null ? [] : sceneLines(scenes);
  const lines =
    flags.json === true
      ? [JSON.stringify({ ...reportJson(report), ...(scenes !== null && aboutScenes(scenes)) })]
      : reportLines(report, more);
  for (const line of lines) process.stdout.write(`${line}\n`);
  return !written.some(({ severity }) => severity === 'error');
}

interface Drawn {
  readonly findings: readonly ReportedFinding[];
  readonly checks: readonly string[];
  readonly scenes: ProvenScenes | null;
}

/** Everything that needs a browser, in one. */
async function draw(
  template: Template,
  flags: CheckFlags,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Drawn> {
  const rendered = RENDERED_CHECKS.filter(({ id }) => ids.includes(id));
  const hasScenes = ids.includes(SCENES) && template.scenes.length > 0;
  const checks = [...rendered.map(({ id }) => id), ...(hasScenes ? [SCENES] : [])];
  const samples = hasScenes ? await sceneSamples(template, flags, signal) : null;
  if (flags.campaign !== undefined && samples === null) {
    const why = template.scenes.length > 0 ? 'was left out' : `has nothing to do: '${template.id}' declares no scenes`;
    throw new Failure('CampaignInvalid', `--campaign is for the check '${SCENES}', which ${why}. Leave it out.`);
  }
  if (checks.length === 0) return { findings: [], checks, scenes: null };

  const onStep = (id: string, step: string): void => void process.stderr.write(`${id}: ${step}\n`);
  const options = { rendition: RENDITIONS[flags.rendition], signal, onStep };
  // Without the template: one that cannot be drawn is to be found by the checks.
  const start = { tools: findTools(), capture: readCapture(), slots: 1, log: warningsOnly, signal };
  await using renderer = await Renderer.start(start);
  const findings: ReportedFinding[] = await checkDrawn(rendered, renderer, template, options);
  if (samples === null) return { findings, checks, scenes: null };
  const scenes = await proveDeclared(renderer, template, samples, {
    ...options,
    onStep: (step) => onStep(SCENES, step),
  });
  return { findings: [...findings, ...scenes.findings], checks, scenes };
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
