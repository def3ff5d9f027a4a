/** The proof of declared scenes as a part of `nightreel check`: its samples, its findings, and what else it tells. */

import { authorsFault } from '../checking/check-drawn.ts';
import type { ReportedFinding } from '../checking/report.ts';
import { reportScenes } from '../checking/scene-findings.ts';
import { Failure } from '../contracts/failures.ts';
import type { Rendition } from '../contracts/video.ts';
import type { Renderer } from '../rendering/renderer.ts';
import { proveScenes, type SceneHint } from '../rendering/verify/scenes.ts';
import { sampleParams } from '../templates/samples.ts';
import type { Template } from '../templates/template.ts';
import type { CheckFlags } from './check.ts';
import type { ProvenScenes, SceneSamples } from './scene-report.ts';

export async function sceneSamples(
  template: Template,
  { campaign, samples: count }: Pick<CheckFlags, 'campaign' | 'samples'>,
  signal: AbortSignal,
): Promise<SceneSamples> {
  const shares =
    campaign === undefined
      ? null
      : await (await import('./check-shares.ts')).readShares(template, campaign, count, signal);
  const { samples, unvaried } = shares ?? sampleParams(template, count);
  const [first, ...rest] = samples;
  if (first === undefined) {
    throw new Failure(
      'CampaignInvalid',
      'Nobody changed tonight: there is nobody to check with. Leave --campaign out.',
    );
  }
  return { samples: [first, ...rest], unvaried, tonight: shares?.tonight ?? null };
}

export async function proveDeclared(
  renderer: Renderer,
  template: Template,
  of: SceneSamples,
  options: { readonly rendition: Rendition; readonly signal: AbortSignal; readonly onStep: (step: string) => void },
): Promise<ProvenScenes> {
  const { rendition, signal, onStep } = options;
  const { samples, tonight } = of;
  let hints: readonly SceneHint[] = [];
  const prove = async (): Promise<readonly ReportedFinding[]> => {
    const proof = await proveScenes(renderer, template, {
      ...{ rendition, samples, signal },
      onScene: ({ id }, sample) => onStep(`scene '${id}', sample ${sample + 1} of ${samples.length}`),
    });
    hints = proof.hints;
    return await reportScenes(template, proof.findings);
  };
  // What a page says of tonight's people is no finding: it may quote them.
  const findings =
    tonight === null ? await authorsFault(prove, (what) => `The scenes could not be drawn: ${what}`) : await prove();
  return { ...of, template, hints, findings };
}
