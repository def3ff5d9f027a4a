/** `nightreel check`: a template's scenes, drawn with other people's params. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCapture } from '../config/capture.ts';
import { loadSettings } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { RENDITIONS } from '../contracts/video.ts';
import { partsOf } from '../planning/scene-key.ts';
import { planScenes } from '../planning/scene-plan.ts';
import { Renderer } from '../rendering/renderer.ts';
import { proveScenes, type SceneFinding } from '../rendering/verify/scenes.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { type Samples, sampleParams } from '../templates/samples.ts';
import type { Template } from '../templates/template.ts';
import type { CheckFlags } from './check.ts';
import { openTemplate } from './render-input.ts';
import { readTonight } from './tonight.ts';
import { warningsOnly } from './warnings-only.ts';

/** Prints what was found; whether that was nothing. */
export async function checkTemplate(name: string, flags: CheckFlags, signal: AbortSignal): Promise<boolean> {
  const template = await openTemplate(name);
  if (template.scenes.length === 0) {
    throw new Failure(
      'TemplateInvalid',
      `Template '${template.id}' declares no scenes: it is rendered whole, and there is nothing to prove. docs/scenes.md says how to declare them.`,
    );
  }
  const shares =
    flags.campaign === undefined ? null : await readShares(template, flags.campaign, flags.samples, signal);
  const { samples, unvaried } = shares ?? sampleParams(template, flags.samples);
  const [first, ...rest] = samples;
  if (first === undefined) {
    throw new Failure(
      'CampaignInvalid',
      'Nobody changed tonight: there is nobody to check with. Leave --campaign out.',
    );
  }

  const { findings, hints } = await (async () => {
    const options = { tools: findTools(), capture: readCapture(), slots: 1, template, log: warningsOnly, signal };
    await using renderer = await Renderer.start(options);
    return await proveScenes(renderer, template, {
      rendition: RENDITIONS[flags.rendition],
      samples: [first, ...rest],
      signal,
      onScene: ({ id }, sample) => {
        process.stderr.write(`scene '${id}', sample ${sample + 1} of ${samples.length}\n`);
      },
    });
  })();

  const folder = flags.out ?? `check-${template.id}`;
  const found = [];
  for (const finding of findings) {
    const { picture, ...facts } = finding;
    const path = picture === null ? null : join(folder, `${finding.scene}-frame-${finding.frame}.png`);
    if (picture !== null && path !== null) {
      await mkdir(folder, { recursive: true });
      await writeFile(path, picture);
    }
    found.push({ ...facts, picture: path, sentence: sentenceOf(finding) });
  }
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (flags.json === true) {
    const scenes = template.scenes.map(({ id, start, end, params }) => ({ id, start, end, params }));
    const about = { template: template.id, scenes, samples: samples.length, tonight: shares?.tonight ?? null };
    print(JSON.stringify({ ...about, findings: found, hints, unvaried }));
  } else {
    for (const { sentence, picture } of found) print(picture === null ? sentence : `${sentence}\n  ${picture}`);
    for (const { scene, param } of hints) {
      print(
        `Hint: scene '${scene}' declares '${param}', which changed nothing in it. Without it, more people would share it.`,
      );
    }
    for (const param of unvaried) {
      print(
        `Not proven: '${param}' never differs from the placeholder in the samples. Give the example another value.`,
      );
    }
    if (shares !== null) {
      const { variants, sceneSlots, distinctScenes } = shares.tonight;
      const share = ((100 * distinctScenes) / sceneSlots).toFixed(0);
      print(
        `Tonight: ${variants} videos, ${sceneSlots} scenes in them, ${distinctScenes} different ones (${share} %).`,
      );
    }
    const what = `${template.scenes.length} scenes, ${samples.length} samples`;
    print(
      found.length === 0 ? `Template '${template.id}': ${what}, no finding.` : `${found.length} findings in ${what}.`,
    );
  }
  return found.length === 0;
}

interface Shares extends Samples {
  readonly tonight: { readonly variants: number; readonly sceneSlots: number; readonly distinctScenes: number };
}

/** Tonight's rows of a campaign: some of them as samples, all of them counted. Stored scenes count as any other. */
async function readShares(template: Template, id: CampaignId, count: number, signal: AbortSignal): Promise<Shares> {
  const settings = await loadSettings();
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const read = { engineDigest: 'check' };
  const { campaign, delta: tonight } = await readTonight({ settings, store }, id, async () => template, read, signal);
  using delta = tonight;
  const { variants } = delta;
  if (campaign.template !== template.id) {
    throw new Failure('CampaignInvalid', `Campaign '${id}' has template '${campaign.template}', not '${template.id}'.`);
  }
  const identity = { engineDigest: read.engineDigest, template, rendition: campaign.rendition };
  const { counts } = await planScenes(
    {
      variants: { [Symbol.iterator]: () => Iterator.from(variants).map(({ params }) => params) },
      partsOf: (params) => partsOf(identity, params),
      isStored: async () => false,
    },
    signal,
  );
  const step = Math.max(1, variants.size / count);
  const samples = Array.from({ length: Math.min(count, variants.size) }, (_, index) => {
    return variants.at(Math.floor(index * step)).params;
  });
  const isFixed = (name: string): boolean =>
    samples.every((params) => JSON.stringify(params[name]) === JSON.stringify(template.placeholder[name]));
  const unvaried = Object.keys(template.placeholder).filter(isFixed);
  return { samples, unvaried, tonight: { variants: variants.size, ...counts } };
}

function sentenceOf({ kind, scene, params, frame, frames }: SceneFinding): string {
  switch (kind) {
    case 'leak': {
      const names = params.map((name) => `'${name}'`).join(', ');
      return `Scene '${scene}' shows ${names} without declaring it: ${frames} of its frames differ, from frame ${frame} on. Declare it there, or keep it out of the scene.`;
    }
    case 'join':
      return `Scene '${scene}' looks different at frame ${frame} when the video is drawn from its beginning: it depends on what was drawn before. Let what it shows follow from the time alone.`;
    case 'sound':
      return 'The sound depends on params that the soundtrack does not declare. Declare them: "soundtrack": { "params": [...] }.';
  }
}
