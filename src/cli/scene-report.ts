/** What the proof of declared scenes tells besides its findings. Pure. */

import type { ReportedFinding } from '../checking/report.ts';
import type { Params } from '../contracts/video.ts';
import type { SceneHint } from '../rendering/verify/scenes.ts';
import type { Template } from '../templates/template.ts';
import type { Shares } from './check-shares.ts';

export interface SceneSamples {
  readonly samples: readonly [Params, ...Params[]];
  readonly unvaried: readonly string[];
  /** Null: the samples are made from the schema. */
  readonly tonight: Shares['tonight'] | null;
}

export interface ProvenScenes extends SceneSamples {
  readonly template: Template;
  readonly hints: readonly SceneHint[];
  readonly findings: readonly ReportedFinding[];
}

/** For `--json`. */
export function aboutScenes({ template, samples, tonight, hints, unvaried }: ProvenScenes) {
  const scenes = template.scenes.map(({ id, start, end, params }) => ({ id, start, end, params }));
  return { scenes, samples: samples.length, tonight, hints, unvaried };
}

export function sceneLines({ template, samples, tonight, hints, unvaried, findings }: ProvenScenes): string[] {
  const lines = hints.map(
    ({ scene, param }) =>
      `Hint: scene '${scene}' declares '${param}', which changed nothing in it. Without it, more people would share it.`,
  );
  for (const param of unvaried) {
    lines.push(
      `Not proven: '${param}' never differs from the placeholder in the samples. Give the example another value.`,
    );
  }
  if (tonight !== null) {
    const { variants, sceneSlots, distinctScenes } = tonight;
    const share = ((100 * distinctScenes) / sceneSlots).toFixed(0);
    lines.push(
      `Tonight: ${variants} videos, ${sceneSlots} scenes in them, ${distinctScenes} different ones (${share} %).`,
    );
  }
  const what = `${template.scenes.length} scenes, ${samples.length} samples`;
  lines.push(
    findings.length === 0 ? `Scenes: ${what}, no finding.` : `Scenes: ${findings.length} findings in ${what}.`,
  );
  return lines;
}
