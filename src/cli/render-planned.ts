/** `nightreel render --variant`, `--scene`: a line of a batch's plan once more, on this machine, with the template that was planned. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCapture } from '../config/capture.ts';
import type { Settings } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { RENDITIONS, type RenditionId } from '../contracts/video.ts';
import { createOwned, ownedRoot, removeOwned, sweepOwned } from '../machine/owned-folders.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import { Renderer } from '../rendering/renderer.ts';
import { findPlanned, type Planned, type Reference } from '../reporting/why/find-planned.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { fetchPinnedTemplate } from '../storage/pinned-templates.ts';
import { TemplateLibrary } from '../templates/library.ts';
import type { Template } from '../templates/template.ts';
import type { RenderCommandOptions } from './render.ts';
import { renderVideo } from './render-video.ts';
import { warningsOnly } from './warnings-only.ts';

/** What of the options a planned line leaves open. */
export type PlannedRenderOptions = Omit<RenderCommandOptions, 'params' | 'files'> & {
  /** Which files are written of a variant that was planned in this rendition. */
  readonly filesFor: (own: RenditionId) => RenderCommandOptions['files'];
};

/** Params come from the bucket: nothing of anybody is on the command line. */
export async function renderPlanned(
  settings: Settings,
  { kind, reference }: { readonly kind: Planned['kind']; readonly reference: Reference },
  { filesFor, ...options }: PlannedRenderOptions,
  signal: AbortSignal,
): Promise<void> {
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const planned = await findPlanned({ store, manifests: new ManifestReader(store) }, reference, signal);
  const { plan, batch, page, index } = planned;
  if (planned.kind !== kind) {
    throw new Failure(
      'CampaignInvalid',
      `${planned.key.slice(0, 12)} is a ${planned.kind}: give it with --${planned.kind}.`,
    );
  }
  process.stderr.write(`From batch ${batchIdOf(batch)}, page ${page}, line ${index + 1}\n`);
  const pinnedRoot = ownedRoot(tmpdir(), 'templates');
  await sweepOwned(pinnedRoot);
  const folder = await createOwned(pinnedRoot);
  try {
    const templates = new TemplateLibrary(join(settings.root, 'templates'), (digest) =>
      fetchPinnedTemplate(store, digest, folder, signal),
    );
    const template = await templates.load(plan.template.id, plan.template.digest);
    if (planned.kind === 'scene') return await renderScene(planned, template, options, signal);
    const { params, rendition } = planned.variant;
    const given = async () => ({ template, params, onEngine: (digest: string) => warnOfEngine(plan, digest) });
    await renderVideo(given, { ...options, files: filesFor(rendition) }, signal);
  } finally {
    await removeOwned(folder);
  }
}

/** Drawn, encoded and checked as for the night. It is no video by itself: no file is written. */
async function renderScene(
  { plan, scene: line }: Planned & { readonly kind: 'scene' },
  template: Template,
  { capture = readCapture(), encoder, json }: Omit<PlannedRenderOptions, 'filesFor'>,
  signal: AbortSignal,
): Promise<void> {
  const scene = template.scenes.find(({ id }) => id === line.scene) ?? null;
  if (scene === null && line.scene !== null) {
    throw new Failure('Internal', `The plan names scene '${line.scene}', which its template does not have.`);
  }
  const tools = findTools();
  await using renderer = await Renderer.start({
    ...{ tools, capture, encoder, slots: 1, template, signal },
    log: warningsOnly,
  });
  warnOfEngine(plan, renderer.fingerprint.digest);
  const { params } = line;
  if (scene === null) await renderer.renderSoundtrack({ template, params }, { signal });
  else await renderer.renderScene({ template, params, scene, rendition: RENDITIONS[plan.rendition] }, { signal });
  const what = scene === null ? 'The soundtrack' : `Scene '${scene.id}', frames ${scene.start} to ${scene.end - 1},`;
  const result = { scene: scene?.id ?? null, template: template.id, engine: renderer.fingerprint.digest };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${what} renders here.\n`);
}

function warnOfEngine({ engine }: Pick<PlanDocument, 'engine'>, digest: string): void {
  if (engine.digest === digest) return;
  const [planned, here] = [engine.digest, digest].map((one) => one.slice(0, 12));
  process.stderr.write(
    `This machine renders with engine ${here}, the batch was planned for ${planned}: what depends on the engine may differ.\n`,
  );
}
