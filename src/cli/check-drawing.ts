/** The part of `nightreel check` that draws: everything that needs a browser, in one. */

import { checkDrawn } from '../checking/check-drawn.ts';
import type { Measures } from '../checking/measures.ts';
import { RENDERED_CHECKS } from '../checking/rendered/index.ts';
import type { ReportedFinding } from '../checking/report.ts';
import { SCENES } from '../checking/selection.ts';
import { readCapture } from '../config/capture.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import { RENDITIONS } from '../contracts/video.ts';
import { Renderer } from '../rendering/renderer.ts';
import type { Template } from '../templates/template.ts';
import type { CheckFlags } from './check.ts';
import { proveDeclared, sceneSamples } from './check-scenes.ts';
import type { ProvenScenes } from './scene-report.ts';
import { warningsOnly } from './warnings-only.ts';

export interface Drawn {
  readonly findings: readonly ReportedFinding[];
  readonly checks: readonly string[];
  readonly scenes: ProvenScenes | null;
  /** Null: nothing was measured. */
  readonly measures: Measures | null;
}

/** @param ids of the checks. */
export async function draw(
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
  if (checks.length === 0) return { findings: [], checks, scenes: null, measures: null };

  const onStep = (id: string, step: string): void => void process.stderr.write(`${id}: ${step}\n`);
  const measured: Measures[] = [];
  const onMeasured = (measures: Measures): void => void measured.push(measures);
  const options = { rendition: RENDITIONS[flags.rendition], signal, onStep };
  // Without the template: one that cannot be drawn is to be found by the checks.
  const start = { tools: findTools(), capture: readCapture(), slots: 1, log: warningsOnly, signal };
  await using renderer = await Renderer.start(start);
  const findings: ReportedFinding[] = await checkDrawn(rendered, renderer, template, { ...options, onMeasured });
  const measures = measured[0] ?? null;
  if (samples === null) return { findings, checks, scenes: null, measures };
  const scenes = await proveDeclared(renderer, template, samples, {
    ...options,
    onStep: (step) => onStep(SCENES, step),
  });
  return { findings: [...findings, ...scenes.findings], checks, scenes, measures };
}
