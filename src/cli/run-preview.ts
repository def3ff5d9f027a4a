/** `nightreel preview`: a template or a campaign, served to a browser on this machine. */

import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listCampaigns, loadCampaign } from '../config/campaign.ts';
import { readCapture } from '../config/capture.ts';
import { ownTemplates, projectRoot } from '../config/settings.ts';
import { findTools } from '../config/tools.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import type { TemplatePlace } from '../preview/live-template.ts';
import { csvPeople, type People } from '../preview/param-sets.ts';
import { PreviewServer } from '../preview/server.ts';
import { Renderer } from '../rendering/renderer.ts';
import { listTemplates } from '../templates/list.ts';
import type { PreviewFlags } from './preview.ts';
import { findTemplate, locateTemplate } from './render-input.ts';
import { TonightPeople } from './tonight-people.ts';
import { warningsOnly } from './warnings-only.ts';

/** Serves until `signal` aborts. */
export async function runPreview(
  name: string | undefined,
  { port, csv, idColumn, json }: PreviewFlags,
  signal: AbortSignal,
): Promise<void> {
  const { folder, page, campaign } = await subjectOf(name);
  const people = new Map<string, People>();
  await using tonight = campaign === null ? null : new TonightPeople(campaign);
  if (tonight !== null) people.set('tonight', tonight);
  if (csv !== undefined) {
    await access(csv).catch((cause: unknown) => {
      throw new Failure('ParamsInvalid', `The file ${csv} cannot be read.`, { cause });
    });
    people.set('csv', csvPeople(csv, basename(csv), idColumn));
  }
  await using server = await PreviewServer.start({
    ...{ folder, page, port, people },
    start: (starting) =>
      Renderer.start({ tools: findTools(), capture: readCapture(), slots: 1, log: warningsOnly, signal: starting }),
    onTemplate: ({ problem }) => say(problem === null ? 'The template was read again.' : `Broken: ${problem}`),
  });
  process.stdout.write(json === true ? `${JSON.stringify({ address: server.address })}\n` : `${server.address}\n`);
  say('Open this address in a browser on this machine. Ctrl-C ends the preview.');
  await new Promise<void>((stop) => signal.addEventListener('abort', () => stop(), { once: true }));
  say('Stopping.');
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A template with the campaign of that name, where it is that template's; a campaign with its template. */
async function subjectOf(name: string | undefined): Promise<TemplatePlace & { readonly campaign: CampaignId | null }> {
  const root = projectRoot();
  const own = await listTemplates(ownTemplates());
  const templates = own.length > 0 ? own : await listTemplates(join(root, 'templates'));
  const wanted = name ?? onlyOf(templates);
  const id = (await listCampaigns(root)).find((one) => one === wanted);
  if (id === undefined) return { ...(await locateTemplate(wanted)), campaign: null };
  const { template } = await loadCampaign(root, id);
  const isOther = templates.includes(wanted) && template !== wanted;
  return { folder: await findTemplate(isOther ? wanted : template), campaign: isOther ? null : id };
}

function onlyOf(templates: readonly string[]): string {
  const [only, ...more] = templates;
  if (only !== undefined && more.length === 0) return only;
  throw new Failure('TemplateInvalid', `Say which template or campaign; there are: ${templates.join(', ') || 'none'}.`);
}
